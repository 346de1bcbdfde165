'use client'

import { useSyncExternalStore } from 'react'

// One clock for all ages on the page.
let now = 0
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void) {
  now = Date.now()
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

const useNow = () =>
  useSyncExternalStore(
    subscribe,
    () => now,
    () => 0,
  )

export function clock(at: number) {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function age(milliseconds: number) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 90) return `${seconds} s ago`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`
}

/** A moment in the reader's time zone, with its age. */
export function Moment({ at }: { at: number }) {
  const current = useNow()
  // The server does not know the time zone of the reader.
  if (!current) return <span className="moment">…</span>
  return (
    <time className="moment" dateTime={new Date(at).toISOString()}>
      <span className="mono">{clock(at)}</span> <span className="quiet">{age(current - at)}</span>
    </time>
  )
}
