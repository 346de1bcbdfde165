'use client'

import { useEffect, useState } from 'react'
import { kindLabel } from '../lib/cache-log'
import { type Row as RowOfLog, setPaused, useCacheLog } from './cache-log-feed'
import { clock } from './moment'

/** What Tiercel decided, as it happens. */
export function DecisionLog() {
  const { decisions, addresses, reachable } = useCacheLog()
  const [pause, setPause] = useState(false)
  const [loadedAt, setLoadedAt] = useState(Infinity)

  useEffect(() => setLoadedAt(performance.timeOrigin), [])
  useEffect(() => setPaused(pause), [pause])

  const before = decisions.findIndex((decision) => decision.at < loadedAt)

  return (
    <aside className="log" aria-labelledby="log-title">
      <header>
        <h2 id="log-title">Decisions</h2>
        <span className={`live ${pause || !reachable ? 'off' : ''}`}>
          {!reachable ? 'Server not reached' : pause ? 'Paused' : 'Live'}
        </span>
        <button
          type="button"
          className="button small"
          aria-pressed={pause}
          onClick={() => setPause(!pause)}
        >
          Pause
        </button>
      </header>
      <p className="log-note">What Tiercel decided for each call of Next.js. Newest first.</p>
      {decisions.length === 0 && <p className="log-empty">No decision yet. Open a page.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard. */}
      <ol className="log-list" tabIndex={0} aria-label="Decisions, newest first">
        {decisions.map((decision, index) => (
          <Row
            key={`${decision.instance}-${decision.number}`}
            decision={decision}
            isOfFleet={addresses.length > 1}
            divider={index === before && index > 0}
            past={before >= 0 && index >= before}
          />
        ))}
      </ol>
    </aside>
  )
}

type RowProps = { decision: RowOfLog; isOfFleet: boolean; divider: boolean; past: boolean }

function Row({ decision, isOfFleet, divider, past }: RowProps) {
  const { call, kind, key, tier, outcome, reason, news, instance } = decision
  const detail = [tier === 'none' ? '' : tier, reason === outcome ? '' : reason]
  return (
    <li
      className={`decision ${past ? 'past' : ''} ${news ? 'news' : ''}`}
      data-divider={divider || undefined}
      data-decision={`${call} ${kind} ${outcome}`}
      data-tier={tier}
    >
      <div className="decision-line">
        <span className={`outcome ${outcome}`}>{outcome}</span>
        <span className="call">
          {call} <b>{kindLabel(kind)}</b>
        </span>
        {isOfFleet && (
          <span className="instance" title={`Instance ${instance}`}>
            {instance}
          </span>
        )}
        <time className="mono quiet">{clock(decision.at)}</time>
      </div>
      <p className="key mono" title={key}>
        {key}
      </p>
      <p className="reason">{detail.filter(Boolean).join(' · ')}</p>
    </li>
  )
}
