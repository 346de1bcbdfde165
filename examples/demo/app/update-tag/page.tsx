import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Act, ActionForm, Actions, Reload } from '../../components/buttons'
import { Code } from '../../components/code'
import { Page, Section, Steps } from '../../components/page'
import { newGeneration, slowly } from '../../lib/generation'
import { memory } from '../../lib/memory'
import { arrival, sourceOf } from '../../lib/source'
import { expireTag, setPrice, signGuestBook } from '../actions'

export const metadata: Metadata = { title: 'updateTag' }

async function price() {
  'use cache'
  cacheLife('max')
  cacheTag('price')
  await slowly()
  return { generation: newGeneration('price'), value: memory.price }
}

async function guests() {
  'use cache'
  cacheLife('max')
  cacheTag('guests')
  await slowly()
  return { generation: newGeneration('guests'), names: memory.guests.map((guest) => guest.name) }
}

async function Price() {
  const arrivedAt = await arrival()
  const { generation, value } = await price()
  return (
    <Answer
      name="price"
      label="Price of a falconer's glove"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation, arrivedAt, { tags: ['price'] })} />}
    >
      {value} <small>USD</small>
    </Answer>
  )
}

async function Guests() {
  const arrivedAt = await arrival()
  const { generation, names } = await guests()
  return (
    <Answer
      name="guests"
      label="Guest book"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation, arrivedAt, { tags: ['guests'] })} />}
    >
      {names.length === 0 ? <span className="quiet">Nobody yet</span> : names.join(', ')}
    </Answer>
  )
}

export default function UpdateTag() {
  return (
    <Page
      title="updateTag"
      lede="A server action writes, then calls updateTag. The page in its answer shows the new value already: you read your own write. The entry made for that answer is kept, so the next reload is a hit."
    >
      <Section title="The answers">
        <Suspense fallback={<AnswerPlaceholder />}>
          <Price />
        </Suspense>
        <ActionForm action={setPrice}>
          <label htmlFor="price">New price</label>
          <input
            id="price"
            name="price"
            type="number"
            min={1}
            max={9999}
            required
            inputMode="numeric"
            placeholder="1 to 9999"
          />
          <button type="submit" className="button primary">
            Save the price
          </button>
        </ActionForm>
        <Suspense fallback={<AnswerPlaceholder />}>
          <Guests />
        </Suspense>
        <ActionForm action={signGuestBook}>
          <label htmlFor="name">Your name</label>
          <input
            id="name"
            name="name"
            maxLength={40}
            required
            autoComplete="off"
            placeholder="Up to 40 characters"
          />
          <button type="submit" className="button primary">
            Sign the guest book
          </button>
        </ActionForm>
      </Section>
      <Actions>
        <Reload effect="The value and its generation stay as they are." />
        <Act
          label="updateTag('price')"
          effect="The same price, generated again. The guest book does not move."
          done="The price was invalidated and generated again."
          run={expireTag.bind(null, 'price')}
        />
      </Actions>
      <Steps>
        <li>Save a new price. It is on the page at once, with a new pattern.</li>
        <li>Reload. The generation is the same: one write, one generation.</li>
        <li>Sign the guest book. The price keeps its generation.</li>
      </Steps>
      <Code>{`async function price() {
  'use cache'
  cacheLife('max')
  cacheTag('price')
  return database.price()
}

// actions.ts, 'use server'
export async function setPrice(form) {
  await database.write(form.get('price'))
  updateTag('price')
}`}</Code>
    </Page>
  )
}
