'use server'

import { refresh } from 'next/cache'
import { cookies, headers } from 'next/headers'
import { currentSession, keepSession, logins, mailed } from '../../lib/logins'

/** How far a visitor is. `code` stands for the mail that a real app sends. */
export type LoginState = { email?: string; code?: string; fault?: string }

export async function askForCode(_: LoginState, form: FormData): Promise<LoginState> {
  const email = String(form.get('email') ?? '')
    .trim()
    .toLowerCase()
    .slice(0, 80)
  if (!email) return { fault: 'Type an address.' }
  const told = await mailed.issue(email)
  if (told.issued) return { email, code: told.code }
  return { fault: `No more codes for this address for ${Math.ceil(told.retryAfterMs / 1000)} s.` }
}

export async function logIn(state: LoginState, form: FormData): Promise<LoginState> {
  const email = String(form.get('email') ?? '')
  const verified = await mailed.verify(email, form.get('code'))
  if (verified.ok) {
    const device = (await headers()).get('user-agent')?.slice(0, 200)
    await keepSession(await logins.create(email, {}, { device }))
    return {}
  }
  if (verified.reason === 'wrong') {
    return { ...state, fault: `Not the code. Attempts left: ${verified.attemptsLeft}.` }
  }
  if (verified.reason === 'malformed') return { ...state, fault: 'A code has six digits.' }
  return { fault: 'That code is of no use any more. Ask for another one.' }
}

export async function logOut() {
  const session = await currentSession()
  if (session) await logins.destroy(session.id)
  const jar = await cookies()
  jar.delete(logins.cookie.name)
}

export async function logOutElsewhere() {
  const session = await currentSession()
  if (session) await logins.destroyAll(session.userId, { except: session.id })
  // No cookie changes, so that Next.js would not show the list again by itself.
  refresh()
}

/** As after a change of rights: whoever has copied the old id has it in vain. */
export async function changeId() {
  const session = await currentSession()
  const id = session && (await logins.rotate(session.id))
  if (id) await keepSession(id)
}
