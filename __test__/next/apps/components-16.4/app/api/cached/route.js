import Tiercel from 'tiercel'
import { plain } from '../../../lib/cached.js'

/** Prerendered: it shows what the build has, too. */
export async function GET() {
  const { capacityBytes } = Tiercel.stats().memory
  return Response.json({ generation: await plain('route'), capacityBytes })
}
