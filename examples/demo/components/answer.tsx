import type { ReactNode } from 'react'
import type { Generation } from '../lib/generation'
import type { Source } from '../lib/source'
import { Flash } from './flash'
import { Glyph } from './glyph'
import { Moment } from './moment'

const sources: Record<Source['kind'], { label: string; title: string }> = {
  generated: { label: 'Generated for this request', title: 'The function ran while you waited.' },
  cache: { label: 'Read from the cache', title: 'The function did not run.' },
  stale: {
    label: 'Read from the cache, stale',
    title: 'The old value was served, and a new one is being generated.',
  },
}

const tiers: Record<string, string> = {
  memory: 'Read from memory',
  shared: 'Read from Redis',
  prerendered: 'Read from the build output',
}

/** In a fleet it names the tier too, and who answered. */
export function SourceBadge({ source }: { source: Source | undefined }) {
  if (!source) return <span className="source pending">…</span>
  const { kind, tier = '', instance } = source
  const isTold = instance !== undefined && kind !== 'generated' && tier in tiers
  const label = isTold ? `${tiers[tier]}${kind === 'stale' ? ', stale' : ''}` : sources[kind].label
  return (
    <>
      <span
        className={`source ${kind}`}
        data-tier={isTold ? tier : undefined}
        title={sources[kind].title}
      >
        {label}
      </span>
      {instance && <span className="place">by instance {instance}</span>}
    </>
  )
}

type Props = {
  name: string
  label: ReactNode
  generation: Generation
  source: ReactNode
  children: ReactNode
}

/** One cached value: what it is, when it was generated, where it came from. */
export function Answer({ name, label, generation, source, children }: Props) {
  return (
    <article
      className="answer"
      data-answer={name}
      data-generation={generation.number}
      data-at={generation.at}
      data-seed={generation.seed}
    >
      <Flash name={name} version={`${generation.at}-${generation.seed}`}>
        <Glyph seed={generation.seed} />
        <div className="answer-body">
          <h3>{label}</h3>
          <div className="answer-value">{children}</div>
        </div>
        <div className="answer-source">{source}</div>
        <dl className="facts">
          <div>
            <dt>Generated</dt>
            <dd>
              <Moment at={generation.at} />
            </dd>
          </div>
          <div>
            <dt>Generation</dt>
            <dd>{generation.number === 0 ? 'during next build' : generation.number}</dd>
          </div>
          <div className="by">
            <dt>By</dt>
            <dd>{generation.by === 0 ? 'next build' : `instance ${generation.by}`}</dd>
          </div>
        </dl>
      </Flash>
    </article>
  )
}

/** Keeps the place of an answer while the request-time part is on its way. */
export function AnswerPlaceholder() {
  return <div className="answer placeholder" aria-hidden="true" />
}
