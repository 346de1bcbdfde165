/** The program of one instance of a fleet: loads Tiercel and makes the calls that its parent asks for. */
import { createRequire } from 'node:module'
import { entryOf, index, now, readAll } from '../handler.mjs'

const require = createRequire(import.meta.url)

/** One handler object per request, as Next.js has it. */
const requests = new Map()

let Tiercel
/** The error if Tiercel could not be loaded: the answer to every call. */
let refusal
try {
  Tiercel = require(index)
} catch (error) {
  refusal = error
}

/** The default type of work unit that a call is part of: Next.js has its storages by then. */
const { INSTANCE_UNIT } = process.env

/** Runs as a part of Next's work: `unit` is the type of its work unit store. */
function within(unit = INSTANCE_UNIT, body) {
  if (unit === undefined) return body()
  const path = 'dist/server/app-render/work-unit-async-storage.external.js'
  const next = require(`${process.cwd()}/node_modules/next/${path}`)
  return next.workUnitAsyncStorage.run({ type: unit }, body)
}

const handlerOf = (id) => requests.get(id) ?? new Tiercel()

const calls = {
  loaded: () => Object.getOwnPropertyNames(Tiercel),
  request(context) {
    const id = requests.size + 1
    requests.set(id, new Tiercel(context))
    return id
  },
  get: (id, key, { unit, ...context }) => within(unit, () => handlerOf(id).get(key, context)),
  set: (id, key, value, context) => handlerOf(id).set(key, value, context),
  revalidateTag: (id, tags, durations) => handlerOf(id).revalidateTag(tags, durations),
  async invalidate(tags, durations) {
    await Promise.all([
      Tiercel.updateTags(tags, durations),
      new Tiercel().revalidateTag(tags, durations),
    ])
  },
  async useGet(key, softTags, unit) {
    const entry = await within(unit, () => Tiercel.get(key, softTags))
    return entry && { ...entry, value: await readAll(entry.value) }
  },
  useSet: (key, body, more) => Tiercel.set(key, Promise.resolve(entryOf(body, more))),
  now,
  stats: () => Tiercel.stats(),
  run: (source, given) => new Function(`return (${source})`)()({ Tiercel, require, ...given }),
}

process.on('message', async ({ id, name, args }) => {
  try {
    if (refusal) throw refusal
    process.send({ id, answer: await calls[name](...args) })
  } catch ({ message, code }) {
    process.send({ id, error: { message, code } })
  }
})
