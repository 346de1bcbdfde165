import { cookies } from 'next/headers'
import { codes, sessions } from 'tiercel/app'

/** `secure: false`, because the demo is served by http: a real app leaves it out. */
export const logins = sessions({
  name: 'demo',
  ttl: '1h',
  absoluteTtl: '1d',
  cookie: { secure: false },
})

/** Codes for addresses. The demo sends no mail: it shows them. */
export const mailed = codes({ name: 'demo', attempts: 3, resend: { after: 0, perHour: 60 } })

/** The session of this request, if it has one. */
export async function currentSession() {
  const id = (await cookies()).get(logins.cookie.name)?.value
  return id ? await logins.get(id) : null
}

/** The browser keeps the id, and no script sees it. */
export async function keepSession(id: string) {
  const jar = await cookies()
  jar.set(logins.cookie.name, id, {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    maxAge: 86_400,
  })
}
