'use client'

import { useSyncExternalStore } from 'react'
import type { CacheLog, NotedDecision, Stats } from '../lib/cache-log'

const EVERY_MS = 1000
const KEPT = 60

/** `news`: it arrived while the page was open. `instance`: who decided, from 1. */
export type Row = NotedDecision & { news: boolean; instance: number }

type Feed = {
  decisions: Row[]
  /** By instance; empty for one that does not answer. */
  stats: Stats[]
  /** Of a fleet's instances; else there are none. */
  addresses: string[]
  reachable: boolean
}

const empty: Feed = { decisions: [], stats: [], addresses: [], reachable: true }
let log = empty
let paused = false
let asking = false
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

function publish(next: Feed) {
  log = next
  for (const listener of listeners) listener()
}

async function poll() {
  asking = true
  if (!paused && document.visibilityState === 'visible') await ask()
  asking = false
  if (listeners.size > 0) timer = setTimeout(poll, EVERY_MS)
}

async function ask() {
  try {
    const response = await fetch(`/api/cache-log?after=${lastNumbers()}`, { cache: 'no-store' })
    publish(withNews(await response.json()))
  } catch {
    // A restarted server counts from 1 again, so the old decisions must go.
    publish({ ...empty, reachable: false })
  }
}

/** The state of each instance, as far as it is known. */
function lastNumbers() {
  const numbers = log.stats.map((_, index) =>
    Math.max(0, ...log.decisions.filter(of(index + 1)).map(({ number }) => number)),
  )
  return numbers.join()
}

const of = (instance: number) => (row: Row) => row.instance === instance

function withNews({ instances, addresses }: CacheLog): Feed {
  const rows = instances.flatMap((each, index) =>
    (each?.decisions ?? []).map((decision) => ({
      ...decision,
      news: log !== empty,
      instance: index + 1,
    })),
  )
  const known = log.decisions.filter((row) => instances[row.instance - 1])
  const decisions = [...rows.reverse(), ...known].sort((a, b) => b.at - a.at).slice(0, KEPT)
  const stats = instances.map((each) => each?.stats ?? {})
  return { decisions, stats, addresses, reachable: true }
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  // A poll that is under way goes on for whoever listens by then: two would show each row twice.
  if (listeners.size === 1 && !asking) void poll()
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
