import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Cached } from '../../components/cached'
import { Lesson, type LessonText } from '../../components/lesson'
import { newGeneration, slowly } from '../../lib/generation'
import { expireTag } from '../actions'

const lesson: LessonText = {
  title: 'use cache: remote',
  lede: 'For results that belong to all requests and not to one. The same engine serves this directive, with the same lifetimes and tags. The arguments of the function are part of the key.',
  heading: 'The answers',
  reload: 'Both rates come from the cache.',
  invalidations: [
    {
      label: "updateTag('rate-EUR')",
      effect: 'One argument, one entry: only the euro runs again.',
      done: 'The euro was invalidated.',
      run: expireTag.bind(null, 'rate-EUR'),
    },
    {
      label: "updateTag('rate-JPY')",
      effect: 'Only the yen runs again.',
      done: 'The yen was invalidated.',
      run: expireTag.bind(null, 'rate-JPY'),
    },
  ],
  steps: [
    'Reload. Both patterns stay.',
    'Invalidate the euro. The yen keeps its generation.',
    'Invalidate the yen. Now the euro stays.',
  ],
  code: `async function rate(currency) {
  'use cache: remote'
  cacheLife('hours')
  cacheTag(\`rate-\${currency}\`)
  return askTheBank(currency)
}`,
}

export const metadata: Metadata = { title: lesson.title }

async function rate(currency: string) {
  'use cache: remote'
  cacheLife('hours')
  cacheTag(`rate-${currency}`)
  await slowly()
  const generation = await newGeneration(`rate-${currency}`)
  return {
    generation,
    value: (currency === 'JPY' ? 150 : 0.8) * (1 + (generation.seed % 1000) / 5000),
  }
}

function Rate({ currency, digits }: { currency: string; digits: number }) {
  const label = <>rate(&lsquo;{currency}&rsquo;)</>
  return (
    <Cached name={`rate-${currency}`} label={label} read={() => rate(currency)}>
      {({ value }) => (
        <>
          {value.toFixed(digits)} <small>{currency} per USD</small>
        </>
      )}
    </Cached>
  )
}

export default function Remote() {
  return (
    <Lesson {...lesson}>
      <Rate currency="EUR" digits={4} />
      <Rate currency="JPY" digits={2} />
    </Lesson>
  )
}
