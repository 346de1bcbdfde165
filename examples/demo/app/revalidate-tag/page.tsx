import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Cached } from '../../components/cached'
import { Lesson, type LessonText } from '../../components/lesson'
import { newGeneration, slowly } from '../../lib/generation'
import { dropTag, staleTag } from '../actions'

const lesson: LessonText = {
  title: 'revalidateTag',
  lede: "With the profile 'max' an invalidated entry is stale, not gone. The next visitor gets the old value without waiting, and a new one is generated behind it.",
  reload: 'After an invalidation: once the old value, then the new one.',
  invalidations: [
    {
      label: "revalidateTag('headline', 'max')",
      effect: 'Nothing changes on this page yet. The entry is now stale.',
      done: 'The entry is stale. Reload twice.',
      run: staleTag.bind(null, 'headline'),
    },
    {
      label: "revalidateTag('headline', { expire: 0 })",
      effect: 'No old value is served: the entry is gone and runs again at once.',
      done: 'The entry was invalidated and generated again.',
      run: dropTag.bind(null, 'headline'),
    },
  ],
  steps: [
    'Press the first invalidation. The page does not change.',
    'Reload once. The old headline is served, marked stale. Nobody waits.',
    'Reload again. The new headline is read from the cache.',
  ],
  code: `async function headline() {
  'use cache'
  cacheLife('days')
  cacheTag('headline')
  return newsroom.latest()
}

// in a server action or a route handler
revalidateTag('headline', 'max')`,
}

export const metadata: Metadata = { title: lesson.title }

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

export default function RevalidateTag() {
  return (
    <Lesson {...lesson}>
      <Cached name="headline" label="Headline" read={headline}>
        {({ text }) => text}
      </Cached>
    </Lesson>
  )
}
