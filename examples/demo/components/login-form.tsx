'use client'

import { useActionState } from 'react'
import { askForCode, type LoginState, logIn } from '../app/login/actions'
import { Field } from './field'

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
    <Field
      name="email"
      label="Your address"
      submit="Send a code"
      maxLength={80}
      autoComplete="off"
      placeholder="ada@example.com"
    />
  )
}

function CodeField({ email }: { email: string }) {
  return (
    <>
      <input type="hidden" name="email" value={email} />
      <Field
        name="code"
        label="The code"
        submit="Log in"
        inputMode="numeric"
        autoComplete="one-time-code"
        placeholder="six digits"
      />
    </>
  )
}
