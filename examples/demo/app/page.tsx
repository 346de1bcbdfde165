import Link from 'next/link'
import { Code } from '../components/code'
import { Section } from '../components/page'
import { StatsPanel } from '../components/stats-panel'
import { kindLabel } from '../lib/cache-log'
import { sections } from '../lib/pages'

export default function Overview() {
  return (
    <>
      <header className="page-head hero">
        <p className="eyebrow">A cache engine for Next.js 16, written in Rust</p>
        <h1>See what your cache does.</h1>
        <p className="lede">
          Tiercel keeps what Next.js generates: pages, routes, fetch responses, images and the
          results of cached functions. Each page of this demo caches one thing, says when it was
          generated and where the answer came from, and lets you invalidate it.
        </p>
      </header>

      <Flow />

      <Section title="How to read it">
        <ul className="legend">
          <li>
            <span className="source generated">Generated for this request</span>
            <span>A miss. The function ran while you waited.</span>
          </li>
          <li>
            <span className="source cache">Read from the cache</span>
            <span>A hit. The function did not run.</span>
          </li>
          <li>
            <span className="source stale">Read from the cache, stale</span>
            <span>The old value was served. A new generation runs behind it.</span>
          </li>
        </ul>
        <p className="quiet">
          Every generation has its own pattern: the same pattern is the same generation. The list of
          decisions shows what Tiercel answered to each call of Next.js. It is not empty when you
          arrive, because Next.js prefetches the pages below.
        </p>
      </Section>

      {sections.map((section) => (
        <Section key={section.title} title={section.title}>
          <ul className="cards">
            {section.pages.map((page) => (
              <li key={page.href}>
                <Link className="card" href={page.href}>
                  <span className="card-kind">{kindLabel(page.kind)}</span>
                  <strong className="card-title">{page.title}</strong>
                  <span>{page.line}</span>
                </Link>
              </li>
            ))}
          </ul>
        </Section>
      ))}

      <Section title="Counters of this process">
        <StatsPanel />
      </Section>

      <Code>{`// next.config.ts
const handler = require.resolve('tiercel')

export default {
  cacheComponents: true,
  cacheHandler: handler,
  cacheHandlers: { default: handler, remote: handler },
  cacheMaxMemorySize: 0,
}`}</Code>
    </>
  )
}

/** How a request meets the tiers. */
function Flow() {
  return (
    <ol className="flow" aria-label="How a request is answered">
      <li>
        <strong>Next.js</strong>
        <span>asks for an entry by its key</span>
      </li>
      <li className="ours">
        <strong>Memory tier</strong>
        <span>a hit never leaves the process</span>
      </li>
      <li className="ours of-fleet">
        <strong>Shared tier</strong>
        <span>what another instance has stored is a hit here</span>
      </li>
      <li className="ours">
        <strong>Build output</strong>
        <span>a page that next build has prerendered is a hit too</span>
      </li>
      <li>
        <strong>Generation</strong>
        <span>your function runs, once, and the entry is stored</span>
      </li>
    </ol>
  )
}
