import { ask } from '../../../../lib/ask.js'

export const dynamic = 'force-static'
export const revalidate = 3600

export const generateStaticParams = () => []

/** Every byte there is, and a header of several values. */
export async function GET(_, { params }) {
  const { slug } = await params
  await ask(`bytes-${slug}`)
  const body = Uint8Array.from({ length: 256 }, (_, index) => index)
  const headers = new Headers({ 'content-type': 'application/octet-stream' })
  headers.append('set-cookie', 'a=1')
  headers.append('set-cookie', 'b=2')
  return new Response(body, { headers })
}
