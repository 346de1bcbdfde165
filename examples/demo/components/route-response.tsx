'use client'

import { useCallback, useEffect, useState } from 'react'
import type { Generation } from '../lib/generation'
import { Answer, AnswerPlaceholder } from './answer'
import { Act, Actions } from './buttons'

type Reply = {
  quote: string
  generation: Generation
  cache: string
  /** Of a fleet: who answered, such as `2 of 3`. */
  place: string | null
  milliseconds: number
}

async function call(): Promise<Reply> {
  const start = performance.now()
  const response = await fetch('/api/quote', { cache: 'no-store' })
  const body = await response.json()
  return {
    ...body,
    cache: response.headers.get('x-nextjs-cache') ?? 'none',
    place: response.headers.get('x-demo-instance'),
    milliseconds: performance.now() - start,
  }
}

const labels: Record<string, [style: string, label: string]> = {
  HIT: ['cache', 'Read from the cache'],
  STALE: ['stale', 'Read from the cache, stale'],
  MISS: ['generated', 'Generated for this request'],
  REVALIDATED: ['generated', 'Generated for this request'],
}

type Invalidation = { label: string; effect: string; done: string; run: () => Promise<void> }

/** Calls the route handler from the browser and shows its response. */
export function RouteResponse({ invalidations }: { invalidations: Invalidation[] }) {
  const [reply, setReply] = useState<Reply>()
  const ask = useCallback(async () => setReply(await call()), [])

  useEffect(() => {
    void ask()
  }, [ask])

  const [style, label] = labels[reply?.cache ?? ''] ?? [
    'pending',
    `x-nextjs-cache: ${reply?.cache}`,
  ]
  return (
    <>
      {reply ? (
        <Answer
          name="quote"
          label="GET /api/quote"
          generation={reply.generation}
          source={<span className={`source ${style}`}>{label}</span>}
        >
          <q>{reply.quote}</q>
          <p className="headers mono">
            x-nextjs-cache: <b data-header="x-nextjs-cache">{reply.cache}</b> ·{' '}
            {reply.milliseconds.toFixed(0)} ms
            {reply.place && ` · instance ${reply.place}`}
          </p>
        </Answer>
      ) : (
        <AnswerPlaceholder />
      )}
      <Actions>
        <Act
          label="GET /api/quote"
          effect="Call the route again."
          done="The response above is new."
          run={ask}
        />
        {invalidations.map((invalidation) => (
          <Act key={invalidation.label} {...invalidation} />
        ))}
      </Actions>
    </>
  )
}
