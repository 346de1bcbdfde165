import type { GetStaticProps } from 'next'
import { useEffect, useState } from 'react'
import { Answer, SourceBadge } from '../components/answer'
import { Lesson, type LessonText } from '../components/lesson'
import { type Generation, newGeneration, slowly } from '../lib/generation'
import type { Source } from '../lib/source'

const REVALIDATE_SECS = 15

const lesson: LessonText = {
  title: 'Pages Router',
  lede: `A page with getStaticProps is generated at build, and again when a request finds it older than ${REVALIDATE_SECS} seconds. It has no tags: it goes by its age, or by res.revalidate.`,
  reload: 'Fresh: the same page. Stale: the old page once, then a new one.',
  invalidations: [
    {
      label: "res.revalidate('/isr')",
      effect: 'The server generates the page now. The next reload shows it.',
      done: 'The page was generated again. Reload.',
      run: revalidate,
    },
  ],
  steps: [
    `Reload within ${REVALIDATE_SECS} seconds. The pattern stays.`,
    'Wait, then reload twice. First the stale page, then the new one.',
    'Call res.revalidate and reload. The new page is a hit.',
  ],
  code: `export async function getStaticProps() {
  return { props: { count: await countBirds() }, revalidate: ${REVALIDATE_SECS} }
}

// pages/api/revalidate.ts
await res.revalidate('/isr')`,
}

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
  const source = <SourceBadge source={useSource(generation)} />
  return (
    <Lesson {...lesson}>
      <Answer name="isr" label="Birds counted" generation={generation} source={source}>
        {count}
      </Answer>
    </Lesson>
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
