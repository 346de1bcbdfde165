import type { Metadata } from 'next'
import { unstable_cache } from 'next/cache'
import { Cached } from '../../components/cached'
import { Lesson, type LessonText } from '../../components/lesson'
import { newGeneration, slowly } from '../../lib/generation'
import { dropTag, staleTag } from '../actions'

const lesson: LessonText = {
  title: 'unstable_cache',
  lede: "Applications from before 'use cache' keep working. The result of the function is an entry of the kind fetch, with the same tags and the same rules.",
  reload: 'The function does not run.',
  invalidations: [
    {
      label: "revalidateTag('ranking', 'max')",
      effect: 'The old ranking once more, then a new one.',
      done: 'The entry is stale. Reload twice.',
      run: staleTag.bind(null, 'ranking'),
    },
    {
      label: "revalidateTag('ranking', { expire: 0 })",
      effect: 'The entry is gone. The function runs at once.',
      done: 'The entry was invalidated and generated again.',
      run: dropTag.bind(null, 'ranking'),
    },
  ],
  steps: [
    'Reload. The pattern stays.',
    'Make the entry stale and reload twice.',
    'Invalidate it. The new ranking is there at once.',
  ],
  code: `const ranking = unstable_cache(countSightings, ['ranking'], {
  tags: ['ranking'],
  revalidate: 3600,
})`,
}

export const metadata: Metadata = { title: lesson.title }

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

export default function UnstableCache() {
  return (
    <Lesson {...lesson}>
      <Cached name="ranking" label="Most seen this week" read={ranking}>
        {({ names }) => names.join(', ')}
      </Cached>
    </Lesson>
  )
}
