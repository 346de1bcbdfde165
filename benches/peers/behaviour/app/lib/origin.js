/** Fetches from the origin of the run, which answers with the number of requests it had for this key. */
export async function origin(key, init) {
  const reply = await fetch(`${process.env.ORIGIN_URL}/value/${key}`, init)
  const { n } = await reply.json()
  return n
}
