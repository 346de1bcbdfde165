'use client'

import { useActionState } from 'react'
import { askForCode, type LoginState, logIn } from '../app/login/actions'

/** An address first, then the code that it was sent. */
export function LoginForm() {
  const [state, act, pending] = useActionState(
    (before: LoginState, form: FormData) =>
      form.has('code') ? logIn(before, form) : askForCode(before, form),
    {},
  )
  return (
    <>
      {state.code && (
        <p className="mail" role="status">
          A real app mails this: your code is <b data-code>{state.code}</b>
        </p>
      )}
      {state.fault && (
        <p className="fault" role="alert">
          {state.fault}
        </p>
      )}
      <form className="form" action={act} data-pending={pending || undefined}>
        {state.email ? <CodeField email={state.email} /> : <AddressField />}
      </form>
    </>
  )
}

function AddressField() {
  return (
    <>
      <label htmlFor="email">Your address</label>
      <input
        key="email"
        id="email"
        name="email"
        maxLength={80}
        required
        autoComplete="off"
        placeholder="ada@example.com"
      />
      <button type="submit" className="button primary">
        Send a code
      </button>
    </>
  )
}

function CodeField({ email }: { email: string }) {
  return (
    <>
      <input type="hidden" name="email" value={email} />
      <label htmlFor="code">The code</label>
      <input
        key="code"
        id="code"
        name="code"
        required
        inputMode="numeric"
        autoComplete="one-time-code"
        placeholder="six digits"
      />
      <button type="submit" className="button primary">
        Log in
      </button>
    </>
  )
}
