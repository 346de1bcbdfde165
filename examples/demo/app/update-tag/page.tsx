import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { ActionForm } from '../../components/buttons'
import { Cached } from '../../components/cached'
import { Field } from '../../components/field'
import { Lesson, type LessonText } from '../../components/lesson'
import { database } from '../../lib/database'
import { newGeneration, slowly } from '../../lib/generation'
import { expireTag, setPrice, signGuestBook } from '../actions'

const lesson: LessonText = {
  title: 'updateTag',
  lede: 'A server action writes, then calls updateTag. The page in its answer shows the new value already: you read your own write. The entry made for that answer is kept, so the next reload is a hit.',
  heading: 'The answers',
  reload: 'The value and its generation stay as they are.',
  invalidations: [
    {
      label: "updateTag('price')",
      effect: 'The same price, generated again. The guest book does not move.',
      done: 'The price was invalidated and generated again.',
      run: expireTag.bind(null, 'price'),
    },
  ],
  steps: [
    'Save a new price. It is on the page at once, with a new pattern.',
    'Reload. The generation is the same: one write, one generation.',
    'Sign the guest book. The price keeps its generation.',
  ],
  code: `async function price() {
  'use cache'
  cacheLife('max')
  cacheTag('price')
  return database.price()
}

// actions.ts, 'use server'
export async function setPrice(form) {
  await database.write(form.get('price'))
  updateTag('price')
}`,
}

export const metadata: Metadata = { title: lesson.title }

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

export default function UpdateTag() {
  return (
    <Lesson {...lesson}>
      <Cached name="price" label="Price of a falconer's glove" read={price}>
        {({ value }) => (
          <>
            {value} <small>USD</small>
          </>
        )}
      </Cached>
      <ActionForm action={setPrice}>
        <Field
          name="price"
          label="New price"
          submit="Save the price"
          type="number"
          min={1}
          max={9999}
          inputMode="numeric"
          placeholder="1 to 9999"
        />
      </ActionForm>
      <Cached name="guests" label="Guest book" read={guests}>
        {({ names }) =>
          names.length === 0 ? <span className="quiet">Nobody yet</span> : names.join(', ')
        }
      </Cached>
      <ActionForm action={signGuestBook}>
        <Field
          name="name"
          label="Your name"
          submit="Sign the guest book"
          maxLength={40}
          autoComplete="off"
          placeholder="Up to 40 characters"
        />
      </ActionForm>
    </Lesson>
  )
}
