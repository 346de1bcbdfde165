import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { Suspense } from 'react'
import { Answer, AnswerPlaceholder, SourceBadge } from '../../components/answer'
import { Act, ActionForm, Actions, Reload } from '../../components/buttons'
import { Code } from '../../components/code'
import { Page, Section, Steps } from '../../components/page'
import { database } from '../../lib/database'
import { newGeneration, slowly } from '../../lib/generation'
import { sourced } from '../../lib/source'
import { expireTag, setPrice, signGuestBook } from '../actions'

export const metadata: Metadata = { title: 'updateTag' }

async function price() {
  'use cache'
  cacheLife('max')
  cacheTag('price')
  await slowly()
  return { generation: await newGeneration('price'), value: await database.read('price', 240) }
}

async function guests() {
  'use cache'
  cacheLife('max')
  cacheTag('guests')
  await slowly()
  const names = await database.read<string[]>('guests', [])
  return { generation: await newGeneration('guests'), names }
}

async function Price() {
  const [{ generation, value }, sourceOf] = await sourced(price)
  return (
    <Answer
      name="price"
      label="Price of a falconer's glove"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation)} />}
    >
      {value} <small>USD</small>
    </Answer>
  )
}

async function Guests() {
  const [{ generation, names }, sourceOf] = await sourced(guests)
  return (
    <Answer
      name="guests"
      label="Guest book"
      generation={generation}
      source={<SourceBadge source={sourceOf(generation)} />}
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
