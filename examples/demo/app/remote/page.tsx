import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Act, Actions, Reload } from '../../components/buttons'
import { Code } from '../../components/code'
import { Page, Section, Steps } from '../../components/page'
import { newGeneration, slowly } from '../../lib/generation'
import { sourced } from '../../lib/source'
import { expireTag } from '../actions'

export const metadata: Metadata = { title: 'use cache: remote' }

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

async function Rate({ currency, digits }: { currency: string; digits: number }) {
  const [{ generation, value }, sourceOf] = await sourced(() => rate(currency))
  return (
    <Answer
      name={`rate-${currency}`}
      label={<>rate(&lsquo;{currency}&rsquo;)</>}
      generation={generation}
      source={<SourceBadge source={sourceOf(generation)} />}
    >
      {value.toFixed(digits)} <small>{currency} per USD</small>
    </Answer>
  )
}

export default function Remote() {
  return (
    <Page
      title="use cache: remote"
      lede="For results that belong to all requests and not to one. The same engine serves this directive, with the same lifetimes and tags. The arguments of the function are part of the key."
    >
      <Section title="The answers">
        <Suspense fallback={<AnswerPlaceholder />}>
          <Rate currency="EUR" digits={4} />
        </Suspense>
        <Suspense fallback={<AnswerPlaceholder />}>
          <Rate currency="JPY" digits={2} />
        </Suspense>
      </Section>
      <Actions>
        <Reload effect="Both rates come from the cache." />
        <Act
          label="updateTag('rate-EUR')"
          effect="One argument, one entry: only the euro runs again."
          done="The euro was invalidated."
          run={expireTag.bind(null, 'rate-EUR')}
        />
        <Act
          label="updateTag('rate-JPY')"
          effect="Only the yen runs again."
          done="The yen was invalidated."
          run={expireTag.bind(null, 'rate-JPY')}
        />
      </Actions>
      <Steps>
        <li>Reload. Both patterns stay.</li>
        <li>Invalidate the euro. The yen keeps its generation.</li>
        <li>Invalidate the yen. Now the euro stays.</li>
      </Steps>
      <Code>{`async function rate(currency) {
  'use cache: remote'
  cacheLife('hours')
  cacheTag(\`rate-\${currency}\`)
  return askTheBank(currency)
}`}</Code>
    </Page>
  )
}
