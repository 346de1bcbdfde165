export default async function route(request, response) {
  const { path, only } = request.query
  await response.revalidate(path, { unstable_onlyGenerated: only === 'generated' })
  response.json({ ok: true })
}
