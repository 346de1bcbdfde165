'use client'

import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { Act } from './buttons'

type Result = { requests: number; originCalls: number }

/** Many requests for one missing entry at the same moment. */
export function Burst() {
  const router = useRouter()
  const [result, setResult] = useState<Result>()

  const run = async () => {
    const response = await fetch('/api/burst', { cache: 'no-store' })
    setResult(await response.json())
    router.refresh()
  }

  return (
    <>
      <Act
        label="20 requests at once"
        effect="For an entry that does not exist yet. One request asks the origin, the others wait for it: single-flight."
        done="All requests were answered."
        run={run}
      />
      {result && (
        <p className="burst" role="status" data-origin-calls={result.originCalls}>
          <b>{result.requests}</b> requests, <b>{result.originCalls}</b>{' '}
          {result.originCalls === 1 ? 'call' : 'calls'} to the origin
        </p>
      )}
    </>
  )
}
