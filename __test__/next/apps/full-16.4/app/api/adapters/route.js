import { secondaryStorage } from 'tiercel/better-auth'
import { KeyvTiercel } from 'tiercel/keyv'
import driver from 'tiercel/unstorage'

/** Each adapter in a bundle: what it was given comes back. */
export async function POST(request) {
  const { searchParams } = new URL(request.url)
  const value = searchParams.get('value')
  const [auth, keyv, storage] = [secondaryStorage('a'), new KeyvTiercel('b'), driver({ base: 'c' })]
  await Promise.all([
    auth.set('key', value, 60),
    keyv.set('key', value),
    storage.setItem('key', value),
  ])
  const all = [await auth.get('key'), await keyv.get('key'), await storage.getItem('key')]
  return Response.json(all)
}
