/** `POST /api/revalidate?path=/posts/first`; protect it with a secret of your own. */
export default async function handler(request, response) {
  if (request.method !== 'POST') return response.status(405).end()
  await response.revalidate(String(request.query.path))
  response.status(204).end()
}
