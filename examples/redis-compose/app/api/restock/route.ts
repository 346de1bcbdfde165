import Tiercel from 'tiercel'

/** When this answers, no instance shows the old stock any more. */
export async function POST() {
  await Tiercel.updateTags('stock')
  return new Response(null, { status: 204 })
}
