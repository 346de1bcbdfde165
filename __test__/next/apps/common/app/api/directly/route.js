import Tiercel from 'tiercel'

/** `?tag=t`: the app itself calls the handler. */
export async function POST(request) {
  await Tiercel.updateTags([new URL(request.url).searchParams.get('tag')])
  return Response.json({ ok: true })
}
