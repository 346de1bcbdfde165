'use client'

import { useEffect, useState } from 'react'
import { kindLabel } from '../lib/cache-log'
import { type Row, useCacheLog } from './cache-log-feed'

/** A page that reads more than this explains its newest reads. */
const MOST = 8

/** Why this page has the answers that it shows: the last read of each entry since it was opened. */
export function Why() {
  const { decisions } = useCacheLog()
  const [openedAt, setOpenedAt] = useState(Infinity)
  // The request came before the document.
  useEffect(() => setOpenedAt(performance.timeOrigin), [])

  const reads = decisions.filter(({ call, at }) => call === 'get' && at >= openedAt)
  const last = reads.filter((read, index) => reads.findIndex(isOf(read)) === index).slice(0, MOST)
  if (last.length === 0) return null
  return (
    <section className="section">
      <h2>Why</h2>
      <ul className="why">
        {last.map((read) => (
          <li key={`${read.kind} ${read.key}`} data-why={read.outcome}>
            <span className={`outcome ${read.outcome}`}>{read.outcome}</span>
            <p>
              {because(read)}
              <span className="why-key mono">
                {kindLabel(read.kind)} {read.key}
              </span>
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}

const isOf = (row: Row) => (other: Row) => other.kind === row.kind && other.key === row.key

const PLACES: Record<string, string> = {
  memory: 'in memory',
  shared: 'in Redis',
  prerendered: 'in the output of next build',
}

/** One sentence about a read. */
function because({ tier, outcome, reason }: Row) {
  const place = PLACES[tier] ?? 'there'
  if (outcome === 'fresh') {
    return `It was ${place}, ${reason}, and nothing had invalidated it. No function ran.`
  }
  if (outcome === 'stale') {
    return `It was ${place} and stale (${reason}). It was served once more, and is generated anew.`
  }
  return `Nothing could be served (${reason}), so it was generated.`
}
