export default async function route(request, response) {
  await response.revalidate(request.query.path)
  response.json({ ok: true })
}
