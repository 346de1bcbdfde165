import type { Metadata } from 'next'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Burst } from '../../components/burst'
import { Lesson, type LessonText } from '../../components/lesson'
import { database } from '../../lib/database'
import { askOrigin } from '../../lib/origin'
import { sourced } from '../../lib/source'
import { dropTag, staleTag } from '../actions'

const lesson: LessonText = {
  title: 'fetch',
  lede: 'A fetch with a lifetime and a tag is kept by Tiercel too. The origin here is a slow endpoint of this demo. It counts how often it is really called.',
  reload: 'The origin is not called.',
  invalidations: [
    {
      label: "revalidateTag('origin', 'max')",
      effect: 'The next reload gets the old answer, the origin is called behind it.',
      done: 'The entry is stale. Reload twice.',
      run: staleTag.bind(null, 'origin'),
    },
    {
      label: "revalidateTag('origin', { expire: 0 })",
      effect: 'The entry is gone. The origin is called at once.',
      done: 'The entry was invalidated and fetched again.',
      run: dropTag.bind(null, 'origin'),
    },
  ],
  steps: [
    'Reload a few times. The number of calls does not grow.',
    'Make the entry stale and reload twice. There is one more call, and nobody waited for it.',
    'Send 20 requests at once for a new entry. Next.js alone would call the origin for many of them.',
  ],
  code: `const response = await fetch(origin, {
  cache: 'force-cache',
  next: { tags: ['origin'], revalidate: 3600 },
})`,
}

export const metadata: Metadata = { title: lesson.title }

async function Origin() {
  const [generation, sourceOf] = await sourced(askOrigin)
  const calls = await database.read('origin calls', 0)
  return (
    <Answer
      name="origin"
      label="GET /api/origin, which answers in 150 ms"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation)} />}
    >
      <small>answer to call</small> {generation.number} <small>of</small>{' '}
      <span data-origin-total={calls}>{calls}</span>
    </Answer>
  )
}

export default function Fetch() {
  return (
    <Lesson {...lesson} actions={<Burst />}>
      <Suspense fallback={<AnswerPlaceholder />}>
        <Origin />
      </Suspense>
    </Lesson>
  )
}
