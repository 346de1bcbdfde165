'use client'

import { useCallback, useEffect, useState } from 'react'
import { Act, Actions } from './buttons'

const AT_ONCE = 30

type Reply = {
  limit: number
  remaining: number
  /** Who decided: `store`, or `known` from memory. */
  source: string
  isAdmitted: boolean
  /** `RateLimit` and `Retry-After`, as they came. */
  headers: [name: string, value: string][]
}

type Seen = { last: Reply; admitted: number; refused: number; known: number }

async function ask(query = ''): Promise<Reply> {
  const response = await fetch(`/api/search${query}`, { cache: 'no-store' })
  const headers = ['RateLimit', 'RateLimit-Policy', 'Retry-After'].flatMap((name) => {
    const value = response.headers.get(name)
    return value ? [[name, value] satisfies [string, string]] : []
  })
  return { ...(await response.json()), isAdmitted: response.ok, headers }
}

function summed(replies: Reply[]): Seen {
  const refused = replies.filter(({ isAdmitted }) => !isAdmitted)
  // Replies overtake each other: the least budget is the latest.
  const [last] = [...replies].sort((a, b) => a.remaining - b.remaining)
  return {
    last: refused[0] ?? last,
    admitted: replies.length - refused.length,
    refused: refused.length,
    known: refused.filter(({ source }) => source === 'known').length,
  }
}

/** The budget of this visitor, and what spends it. */
export function Budget() {
  const [seen, setSeen] = useState<Seen>()
  const send = (count: number) => async () =>
    setSeen(summed(await Promise.all(Array.from({ length: count }, () => ask()))))
  const look = useCallback(async () => {
    const last = await ask('?peek')
    setSeen({ last, admitted: 0, refused: 0, known: 0 })
  }, [])
  const giveBack = async () => {
    await fetch('/api/search', { method: 'DELETE' })
    await look()
  }

  useEffect(() => {
    void look()
  }, [look])

  return (
    <>
      {seen ? <Left {...seen} /> : <div className="budget" aria-hidden="true" />}
      <Actions>
        <Act
          label="GET /api/search"
          effect="One request."
          done="The request was answered."
          run={send(1)}
        />
        <Act
          label={`${AT_ONCE} requests at once`}
          effect="More than the budget has. The rest is refused with 429."
          done="All requests were answered."
          run={send(AT_ONCE)}
        />
        <Act
          label="search.reset(id)"
          effect="Gives the whole budget back."
          done="The budget is whole again."
          run={giveBack}
        />
      </Actions>
    </>
  )
}

function Left({ last, admitted, refused, known }: Seen) {
  return (
    <div className="budget" data-remaining={last.remaining} data-refused={refused}>
      <p className="budget-line">
        <b>{last.remaining}</b> of {last.limit} requests left
        {admitted + refused > 0 && (
          <span className="quiet" role="status">
            {admitted} admitted, {refused} refused
            {known > 0 && `, ${known} of them from memory`}
          </span>
        )}
      </p>
      <meter min={0} max={last.limit} low={last.limit / 4} value={last.remaining}>
        {last.remaining} of {last.limit}
      </meter>
      <dl className="budget-headers mono">
        {last.headers.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
