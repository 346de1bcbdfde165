'use client'

import { type ReactNode, useState, useTransition } from 'react'
import { clock } from './moment'

/** A row of things to do, each with the effect it promises. */
export function Actions({ children }: { children: ReactNode }) {
  return (
    <section className="section">
      <h2 className="visually-hidden">Actions</h2>
      <div className="actions">{children}</div>
    </section>
  )
}

export type ActProps = {
  label: string
  effect: ReactNode
  done: string
  run: () => Promise<unknown>
}

/** Runs one invalidation and says when it was done. */
export function Act({ label, effect, done, run }: ActProps) {
  const [pending, startTransition] = useTransition()
  const [status, setStatus] = useState('')

  const click = () =>
    startTransition(async () => {
      try {
        await run()
        setStatus(`${clock(Date.now()).slice(0, 8)} · ${done}`)
      } catch {
        setStatus('That did not work. Is the server still running?')
      }
    })

  return (
    <div className="act">
      <button
        type="button"
        className="button"
        onClick={click}
        aria-disabled={pending}
        data-pending={pending || undefined}
      >
        <code>{label}</code>
      </button>
      <p className="effect">{effect}</p>
      <p className="status" role="status">
        {status}
      </p>
    </div>
  )
}

/** A new document request, as the browser's own reload. */
export function Reload({ effect }: { effect?: ReactNode }) {
  return (
    <div className="act">
      <button type="button" className="button primary" onClick={() => location.reload()}>
        Reload the page
      </button>
      <p className="effect">{effect ?? 'Ask the server again.'}</p>
      <p className="status" />
    </div>
  )
}

/** A form whose server action changes a value and invalidates its tag. */
export function ActionForm({
  action,
  children,
}: {
  action: (form: FormData) => Promise<void>
  children: ReactNode
}) {
  const [pending, startTransition] = useTransition()
  return (
    <form
      className="form"
      data-pending={pending || undefined}
      action={(form) => startTransition(() => action(form))}
    >
      {children}
    </form>
  )
}
