import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Lesson, type LessonText } from '../../components/lesson'
import { newGeneration, slowly } from '../../lib/generation'
import { sourced } from '../../lib/source'
import { expireTag } from '../actions'

const TIDE_SECS = 10

const lesson: LessonText = {
  title: 'use cache',
  lede: 'A cached function runs once. Its result is an entry with a lifetime and tags. A cached function that calls another one carries the tags of both.',
  heading: 'The answers',
  reload: 'Nothing runs: the same generations come back.',
  invalidations: [
    {
      label: "updateTag('report')",
      effect: 'Only the report runs again. It reads the measurement from the cache.',
      done: 'The report was invalidated.',
      run: expireTag.bind(null, 'report'),
    },
    {
      label: "updateTag('measurement')",
      effect: 'Both run again, because the report carries the tag of its measurement.',
      done: 'The measurement was invalidated, and the report with it.',
      run: expireTag.bind(null, 'measurement'),
    },
  ],
  steps: [
    'Reload. The patterns stay, so no function ran.',
    'Invalidate the report. Its pattern changes, the one inside stays.',
    'Invalidate the measurement. Both patterns change.',
    `Wait until the tide is older than ${TIDE_SECS} seconds and reload twice. First it is stale, then it is new.`,
  ],
  code: `async function measurement() {
  'use cache'
  cacheLife('hours')
  cacheTag('measurement')
  return readBarometer()
}

async function report() {
  'use cache'
  cacheLife('hours')
  cacheTag('report')
  return write(await measurement())   // carries both tags
}`,
}

export const metadata: Metadata = { title: lesson.title }

async function measurement() {
  'use cache'
  cacheLife('hours')
  cacheTag('measurement')
  await slowly()
  const generation = await newGeneration('measurement')
  return { generation, hectopascals: 980 + (generation.seed % 600) / 10 }
}

async function report() {
  'use cache'
  cacheLife('hours')
  cacheTag('report')
  const inner = await measurement()
  await slowly()
  return { generation: await newGeneration('report'), inner }
}

async function tide() {
  'use cache'
  cacheLife({ revalidate: TIDE_SECS, expire: 3600 })
  await slowly()
  const generation = await newGeneration('tide')
  return { generation, metres: 1 + (generation.seed % 400) / 100 }
}

async function Answers() {
  const [[outer, sourceOfReport], [level, sourceOfTide]] = await Promise.all([
    sourced(report),
    sourced(tide),
  ])
  const { inner } = outer
  return (
    <>
      <div className="nest">
        <Answer
          name="report"
          label="Report"
          generation={outer.generation}
          source={<SourceBadge source={sourceOfReport(outer.generation)} />}
        >
          {inner.hectopascals > 1013 ? 'Fair' : 'Unsettled'}
        </Answer>
        <div className="nested">
          <Answer
            name="measurement"
            label={
              <>
                Measurement, <span className="quiet">called by the report</span>
              </>
            }
            generation={inner.generation}
            source={<SourceBadge source={sourceOfReport(inner.generation)} />}
          >
            {inner.hectopascals.toFixed(1)} <small>hPa</small>
          </Answer>
        </div>
      </div>
      <Answer
        name="tide"
        label={`Tide, ${TIDE_SECS} seconds fresh`}
        generation={level.generation}
        source={<SourceBadge source={sourceOfTide(level.generation)} />}
      >
        {level.metres.toFixed(2)} <small>m</small>
      </Answer>
    </>
  )
}

export default function UseCache() {
  return (
    <Lesson {...lesson}>
      <Suspense fallback={<AnswerPlaceholder />}>
        <Answers />
      </Suspense>
    </Lesson>
  )
}
