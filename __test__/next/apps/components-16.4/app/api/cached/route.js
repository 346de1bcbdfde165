import { plain } from '../../../lib/cached.js'

export async function GET() {
  return Response.json({ generation: await plain('route') })
}
