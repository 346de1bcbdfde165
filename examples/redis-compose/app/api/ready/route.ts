import { connection } from 'next/server'
import Tiercel from 'tiercel'

export async function GET() {
  await connection()
  const state = await Tiercel.ready()
  return Response.json(state, { status: state.ready ? 200 : 503 })
}
