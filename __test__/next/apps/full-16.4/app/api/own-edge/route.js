import { kv } from 'tiercel/app'

export const runtime = 'edge'

export async function GET() {
  try {
    return Response.json({ value: await kv('own').get('count') })
  } catch ({ code }) {
    return Response.json({ code, runtime: process.env.NEXT_RUNTIME })
  }
}
