'use client'

import { usePathname } from 'next/navigation'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { useCacheLog } from './cache-log-feed'
import { FleetAnswers } from './fleet-answers'

/** Pages whose document has no cached answer. */
const ELSEWHERE = ['/', '/route-handler', '/image', '/login', '/rate-limit', '/views']

/** In a fleet: who answered, a way to each instance, and what all of them would answer. */
export function FleetBar() {
  const { addresses, decisions } = useCacheLog()
  const answered = useSyncExternalStore(
    subscribe,
    () => latest,
    () => '',
  )
  const path = usePathname() ?? '/'
  const [asked, setAsked] = useState(0)
  const ask = useCallback(() => setAsked((count) => count + 1), [])

  // An entry that is gone at one instance is gone at all: shown as soon as it is known here. A stale
  // one is left alone, since asking for it would renew it.
  const gone = decisions.find((row) => row.news && row.outcome === 'hard')
  const lastGone = gone ? `${gone.instance}-${gone.number}` : ''
  useEffect(() => {
    if (lastGone) ask()
  }, [lastGone, ask])

  if (!answered) return null
  const [instance, count] = answered.split(' of ').map(Number)
  const isAskable = !ELSEWHERE.includes(path)
  return (
    <section className="fleet" aria-label="The fleet">
      <p className="fleet-line">
        <span data-fleet={instance}>
          Answered by <b>instance {instance}</b> of {count}
        </span>
        <span className="fleet-links">
          {addresses.map((address, index) => (
            <a
              key={address}
              href={address + path}
              className="instance"
              aria-current={index + 1 === instance || undefined}
              aria-label={`This page at instance ${index + 1}`}
            >
              {index + 1}
            </a>
          ))}
        </span>
        {isAskable && (
          <button type="button" className="button small" onClick={ask}>
            Ask every instance
          </button>
        )}
      </p>
      {isAskable && asked > 0 && <FleetAnswers count={count} path={path} turn={asked} />}
    </section>
  )
}

// `proxy.ts` names the instance in `server-timing`, which scripts can read: of the document first,
// then of what the router and server actions ask for instead of it.

let latest = ''
let observer: PerformanceObserver | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void) {
  listeners.add(listener)
  observer ??= observe()
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    observer?.disconnect()
    observer = undefined
  }
}

function observe() {
  const created = new PerformanceObserver((list) => note(list.getEntries()))
  for (const type of ['navigation', 'resource']) created.observe({ type, buffered: true })
  return created
}

function note(entries: PerformanceEntry[]) {
  for (const entry of entries as PerformanceResourceTiming[]) {
    const isOfPage = new URL(entry.name).pathname === location.pathname
    const timing = entry.serverTiming?.find(({ name }) => name === 'instance')
    if (isOfPage && timing) latest = timing.description
  }
  for (const listener of listeners) listener()
}
