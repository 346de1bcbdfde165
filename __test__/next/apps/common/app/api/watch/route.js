import { connection } from 'next/server'
import Tiercel from 'tiercel'

/**
 * `?tag=t`: when the last invalidation of a tag resolved in this process, and how many calls of all
 * tags are under way. Next waits for them after the response of a route handler, where a test cannot
 * see it. Watches from its first request on.
 */
export async function GET(request) {
  await connection()
  globalThis.watchedInvalidations ??= watch()
  const { underWay, resolved } = globalThis.watchedInvalidations
  const tag = new URL(request.url).searchParams.get('tag')
  return Response.json({ underWay, at: resolved.get(tag) ?? 0 })
}

function watch() {
  const seen = { underWay: 0, resolved: new Map() }
  for (const [target, name] of [
    [Tiercel, 'updateTags'],
    [Tiercel.prototype, 'revalidateTag'],
  ]) {
    const call = target[name]
    target[name] = async function (tags, ...more) {
      seen.underWay++
      try {
        await call.call(this, tags, ...more)
      } finally {
        seen.underWay--
        for (const tag of [tags].flat()) seen.resolved.set(tag, Date.now())
      }
    }
  }
  return seen
}
