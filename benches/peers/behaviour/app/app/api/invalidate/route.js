import { revalidatePath, revalidateTag } from 'next/cache'

/** `?tag=t&how=max|bare|<seconds>` or `?path=/p&how=<type or nothing>`. */
export async function POST(request) {
  const { searchParams } = new URL(request.url)
  const how = searchParams.get('how') ?? undefined
  const path = searchParams.get('path')
  const tag = searchParams.get('tag')
  if (path !== null) revalidatePath(path, how)
  else if (how === 'bare') revalidateTag(tag)
  else if (how === 'max') revalidateTag(tag, 'max')
  else revalidateTag(tag, { expire: Number(how) })
  return Response.json({ ok: true })
}
