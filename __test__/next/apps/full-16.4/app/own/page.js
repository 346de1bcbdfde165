import { connection } from 'next/server'
import { kv } from 'tiercel/app'

export default async function Page() {
  await connection()
  return <p data-count={await kv('own').get('count')}>kept</p>
}
