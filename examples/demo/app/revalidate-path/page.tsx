import type { Metadata } from 'next'
import { cacheLife } from 'next/cache'
import { Suspense } from 'react'
import { Answer, SourceBadge } from '../../components/answer'
import { Lesson, type LessonText } from '../../components/lesson'
import { type Generation, newGeneration, slowly } from '../../lib/generation'
import { arrival, sourceOf } from '../../lib/source'
import { refreshNotice } from '../actions'

const lesson: LessonText = {
  title: 'revalidatePath',
  lede: 'This page was prerendered by next build. Tiercel serves that output from the first request on, and replaces it when its path is invalidated. Only the badge is rendered for each request.',
  reload: 'The prerendered page comes back.',
  invalidations: [
    {
      label: "revalidatePath('/revalidate-path')",
      effect: 'The page and all it caches are gone. It is rendered again at once.',
      done: 'The path was invalidated and rendered again.',
      run: refreshNotice,
    },
  ],
  steps: [
    'Look at the decisions: the page came from the tier prerendered or from memory.',
    'Invalidate the path. The page is rendered again.',
    'Reload. The new page is read from the cache.',
  ],
  code: `export default async function Page() {
  const { berth } = await notice()        // 'use cache'
  return <p>The ferry leaves from berth {berth}</p>
}

// in a server action
revalidatePath('/revalidate-path')`,
}

export const metadata: Metadata = { title: lesson.title }

async function notice() {
  'use cache'
  cacheLife('max')
  await slowly()
  const generation = await newGeneration('notice')
  return { generation, berth: 1 + (generation.seed % 40) }
}

/** The only part of this page that is rendered for each request. */
async function RequestSource({ generation }: { generation: Generation }) {
  return <SourceBadge source={sourceOf(generation, await arrival())} />
}

export default async function RevalidatePath() {
  const { generation, berth } = await notice()
  return (
    <Lesson {...lesson}>
      <Answer
        name="notice"
        label="Notice at the pier"
        generation={generation}
        source={
          <Suspense fallback={<SourceBadge source={undefined} />}>
            <RequestSource generation={generation} />
          </Suspense>
        }
      >
        The ferry leaves from berth {berth}
      </Answer>
    </Lesson>
  )
}
