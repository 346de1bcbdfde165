import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Act, Actions, Reload } from '../../components/buttons'
import { Code } from '../../components/code'
import { Page, Section, Steps } from '../../components/page'
import { newGeneration, slowly } from '../../lib/generation'
import { sourced } from '../../lib/source'
import { dropTag, staleTag } from '../actions'

export const metadata: Metadata = { title: 'revalidateTag' }

const headlines = [
  'Falcons return to the old mill',
  'The harbour opens at dawn',
  'North wind expected by evening',
  'Two chicks counted on the cliff',
  'A quiet morning over the marsh',
  'The tower clock runs again',
]

async function headline() {
  'use cache'
  cacheLife('days')
  cacheTag('headline')
  await slowly()
  const generation = await newGeneration('headline')
  return { generation, text: headlines[generation.number % headlines.length] }
}

async function Headline() {
  const [{ generation, text }, sourceOf] = await sourced(headline)
  return (
    <Answer
      name="headline"
      label="Headline"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation)} />}
    >
      {text}
    </Answer>
  )
}

export default function RevalidateTag() {
  return (
    <Page
      title="revalidateTag"
      lede="With the profile 'max' an invalidated entry is stale, not gone. The next visitor gets the old value without waiting, and a new one is generated behind it."
    >
      <Section title="The answer">
        <Suspense fallback={<AnswerPlaceholder />}>
          <Headline />
        </Suspense>
      </Section>
      <Actions>
        <Reload effect="After an invalidation: once the old value, then the new one." />
        <Act
          label="revalidateTag('headline', 'max')"
          effect="Nothing changes on this page yet. The entry is now stale."
          done="The entry is stale. Reload twice."
          run={staleTag.bind(null, 'headline')}
        />
        <Act
          label="revalidateTag('headline', { expire: 0 })"
          effect="No old value is served: the entry is gone and runs again at once."
          done="The entry was invalidated and generated again."
          run={dropTag.bind(null, 'headline')}
        />
      </Actions>
      <Steps>
        <li>Press the first invalidation. The page does not change.</li>
        <li>Reload once. The old headline is served, marked stale. Nobody waits.</li>
        <li>Reload again. The new headline is read from the cache.</li>
      </Steps>
      <Code>{`async function headline() {
  'use cache'
  cacheLife('days')
  cacheTag('headline')
  return newsroom.latest()
}

// in a server action or a route handler
revalidateTag('headline', 'max')`}</Code>
    </Page>
  )
}
