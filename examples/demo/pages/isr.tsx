import type { GetStaticProps } from 'next'
import { useEffect, useState } from 'react'
import { Answer, SourceBadge } from '../components/answer'
import { Act, Actions, Reload } from '../components/buttons'
import { Code } from '../components/code'
import { Page, Section, Steps } from '../components/page'
import { type Generation, newGeneration, slowly } from '../lib/generation'
import type { Source } from '../lib/source'

const REVALIDATE_SECS = 15

type Props = { generation: Generation; count: number }

export const getStaticProps: GetStaticProps<Props> = async () => {
  await slowly()
  const generation = await newGeneration('isr')
  return { props: { generation, count: 20 + (generation.seed % 400) }, revalidate: REVALIDATE_SECS }
}

async function revalidate() {
  const response = await fetch('/api/revalidate', { method: 'POST' })
  if (!response.ok) throw new Error(`The server answered ${response.status}`)
}

export default function Isr({ generation, count }: Props) {
  return (
    <Page
      title="Pages Router"
      lede={`A page with getStaticProps is generated at build, and again when a request finds it older than ${REVALIDATE_SECS} seconds. It has no tags: it goes by its age, or by res.revalidate.`}
    >
      <Section title="The answer">
        <Answer
          name="isr"
          label="Birds counted"
          generation={generation}
          source={<SourceBadge source={useSource(generation)} />}
        >
          {count}
        </Answer>
      </Section>
      <Actions>
        <Reload effect="Fresh: the same page. Stale: the old page once, then a new one." />
        <Act
          label="res.revalidate('/isr')"
          effect="The server generates the page now. The next reload shows it."
          done="The page was generated again. Reload."
          run={revalidate}
        />
      </Actions>
      <Steps>
        <li>Reload within {REVALIDATE_SECS} seconds. The pattern stays.</li>
        <li>Wait, then reload twice. First the stale page, then the new one.</li>
        <li>Call res.revalidate and reload. The new page is a hit.</li>
      </Steps>
      <Code>{`export async function getStaticProps() {
  return { props: { count: await countBirds() }, revalidate: ${REVALIDATE_SECS} }
}

// pages/api/revalidate.ts
await res.revalidate('/isr')`}</Code>
    </Page>
  )
}

/** The whole page is static, so the browser compares with the `server-timing` of proxy.ts. */
function useSource(generation: Generation): Source | undefined {
  const [source, setSource] = useState<Source>()
  useEffect(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
    const noted = navigation?.serverTiming?.find((entry) => entry.name === 'arrived')
    const arrivedAt = noted ? Number(noted.description) : performance.timeOrigin
    const old = arrivedAt - generation.at > REVALIDATE_SECS * 1000
    setSource({ kind: generation.at >= arrivedAt ? 'generated' : old ? 'stale' : 'cache' })
  }, [generation])
  return source
}
