import type { Metadata } from 'next'
import { Suspense } from 'react'
import { AnswerPlaceholder } from '../../components/answer'
import { Act, Actions } from '../../components/buttons'
import { Code } from '../../components/code'
import { LoginForm } from '../../components/login-form'
import { Page, Section, Steps } from '../../components/page'
import { SessionList } from '../../components/session-list'
import { currentSession, logins } from '../../lib/logins'
import { changeId, logOut, logOutElsewhere } from './actions'

export const metadata: Metadata = { title: 'Sessions and codes' }

export default function Login() {
  return (
    <Page
      title="Sessions and codes"
      lede="A code that works once lets you in, and a session remembers you. Both lie where the cache lies, and only as hashes: a copy of the server logs nobody in."
    >
      <Suspense fallback={<AnswerPlaceholder />}>
        <Account />
      </Suspense>
      <Steps>
        <li>Ask for a code and type a wrong one. Each wrong answer is counted.</li>
        <li>Log in, then log in again with the same address in a private window.</li>
        <li>Log out everywhere else here, and reload there: that session is over.</li>
      </Steps>
      <Code>{`import { codes, sessions } from 'tiercel/app'

const mailed = codes({ attempts: 3 })
const logins = sessions({ ttl: '7d' })

// 'use server'
export async function logIn(email, typed) {
  const { ok } = await mailed.verify(email, typed)
  if (!ok) return
  const id = await logins.create(email)
  const jar = await cookies()
  jar.set(logins.cookie.name, id, { httpOnly: true, sameSite: 'lax' })
}`}</Code>
    </Page>
  )
}

/** The login, or the sessions of who has logged in. */
async function Account() {
  const session = await currentSession()
  if (!session) {
    return (
      <Section title="Log in">
        <LoginForm />
      </Section>
    )
  }
  const all = await logins.list(session.userId)
  const isThis = (createdAt: number) => createdAt === session.createdAt
  return (
    <>
      <Section title={`Sessions of ${session.userId}`}>
        <SessionList
          sessions={all
            .filter(({ isRotated }) => !isRotated)
            .map(({ handle, device, createdAt, lastSeenAt }) => ({
              ...{ handle, device, createdAt, lastSeenAt, isThis: isThis(createdAt) },
            }))}
        />
      </Section>
      <Actions>
        <Act label="logins.destroy(id)" effect="Log out here." done="Logged out." run={logOut} />
        <Act
          label="logins.destroyAll(userId, { except: id })"
          effect="Log out everywhere else, in one round trip however many sessions there are."
          done="The other sessions are over."
          run={logOutElsewhere}
        />
        <Act
          label="logins.rotate(id)"
          effect="A new id for this session, as after a change of rights."
          done="The session has a new id."
          run={changeId}
        />
      </Actions>
    </>
  )
}
