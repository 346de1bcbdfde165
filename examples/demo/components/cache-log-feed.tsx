'use client'

import { useSyncExternalStore } from 'react'
import type { CacheLog, Decision } from '../lib/cache-log'

const EVERY_MS = 1000
const KEPT = 60

/** `news`: it arrived while the page was open. */
type Row = Decision & { news: boolean }
type Feed = { decisions: Row[]; stats: CacheLog['stats']; reachable: boolean }

const empty: Feed = { decisions: [], stats: {}, reachable: true }
let log = empty
let paused = false
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

function publish(next: Feed) {
  log = next
  for (const listener of listeners) listener()
}

async function poll() {
  if (!paused && document.visibilityState === 'visible') await ask()
  if (listeners.size > 0) timer = setTimeout(poll, EVERY_MS)
}

async function ask() {
  const after = log.decisions[0]?.number ?? 0
  try {
    const response = await fetch(`/api/cache-log?after=${after}`, { cache: 'no-store' })
    const news: CacheLog = await response.json()
    const rows = news.decisions.reverse().map((decision) => ({ ...decision, news: log !== empty }))
    const decisions = [...rows, ...log.decisions].slice(0, KEPT)
    publish({ decisions, stats: news.stats, reachable: true })
  } catch {
    // A restarted server counts from 1 again, so the old decisions must go.
    publish({ ...empty, reachable: false })
  }
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  if (listeners.size === 1) void poll()
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) clearTimeout(timer)
  }
}

/** The decisions, newest first, and the counters: one poll for the whole page. */
export const useCacheLog = () =>
  useSyncExternalStore(
    subscribe,
    () => log,
    () => empty,
  )

export function setPaused(value: boolean) {
  paused = value
}
