import { kv } from 'tiercel/app'
import { secondaryStorage } from 'tiercel/better-auth'
import { KeyvTiercel } from 'tiercel/keyv'
import driver from 'tiercel/unstorage'

export const runtime = 'edge'

export async function GET() {
  const codes = []
  for (const call of [() => kv('own'), secondaryStorage, () => new KeyvTiercel(), driver]) {
    try {
      call()
    } catch ({ code }) {
      codes.push(code)
    }
  }
  return Response.json({ codes, runtime: process.env.NEXT_RUNTIME })
}
