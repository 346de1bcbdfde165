import type { Metadata } from 'next'
import { unstable_cache } from 'next/cache'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Act, Actions, Reload } from '../../components/buttons'
import { Code } from '../../components/code'
import { Page, Section, Steps } from '../../components/page'
import { newGeneration, slowly } from '../../lib/generation'
import { sourced } from '../../lib/source'
import { dropTag, staleTag } from '../actions'

export const metadata: Metadata = { title: 'unstable_cache' }

const birds = ['Peregrine', 'Merlin', 'Kestrel', 'Hobby', 'Saker', 'Gyrfalcon']

const ranking = unstable_cache(
  async () => {
    await slowly()
    const generation = await newGeneration('ranking')
    const first = generation.seed % birds.length
    return {
      generation,
      names: [birds[first], birds[(first + 2) % birds.length], birds[(first + 3) % birds.length]],
    }
  },
  ['ranking'],
  { tags: ['ranking'], revalidate: 3600 },
)

async function Ranking() {
  const [{ generation, names }, sourceOf] = await sourced(ranking)
  return (
    <Answer
      name="ranking"
      label="Most seen this week"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation)} />}
    >
      {names.join(', ')}
    </Answer>
  )
}

export default function UnstableCache() {
  return (
    <Page
      title="unstable_cache"
      lede="Applications from before 'use cache' keep working. The result of the function is an entry of the kind fetch, with the same tags and the same rules."
    >
      <Section title="The answer">
        <Suspense fallback={<AnswerPlaceholder />}>
          <Ranking />
        </Suspense>
      </Section>
      <Actions>
        <Reload effect="The function does not run." />
        <Act
          label="revalidateTag('ranking', 'max')"
          effect="The old ranking once more, then a new one."
          done="The entry is stale. Reload twice."
          run={staleTag.bind(null, 'ranking')}
        />
        <Act
          label="revalidateTag('ranking', { expire: 0 })"
          effect="The entry is gone. The function runs at once."
          done="The entry was invalidated and generated again."
          run={dropTag.bind(null, 'ranking')}
        />
      </Actions>
      <Steps>
        <li>Reload. The pattern stays.</li>
        <li>Make the entry stale and reload twice.</li>
        <li>Invalidate it. The new ranking is there at once.</li>
      </Steps>
      <Code>{`const ranking = unstable_cache(countSightings, ['ranking'], {
  tags: ['ranking'],
  revalidate: 3600,
})`}</Code>
    </Page>
  )
}
