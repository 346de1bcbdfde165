import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'

const require = createRequire(import.meta.url)
const { Operator, Trouble } = require('../../js/operate/operator.js')
const keyspace = require('../../js/operate/doctor/keyspace.js')
const server = require('../../js/operate/doctor/server.js')

const CALM = {
  distance: { roundTripsMs: [1], clockMs: 0 },
  setup: { settings: {}, strangers: [], isCluster: true },
  facts: { nodes: [] },
}

/** An operator whose server answers so. */
const told = (answers) => ({
  run: (what) => {
    const answer = { ...CALM, ...answers }[what] ?? []
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  },
})

const levels = (findings, area) =>
  findings.filter((one) => one.area === area).map(({ level }) => level)

describe('what could not be looked at', () => {
  const failed = (kind) => new Trouble({ kind, detail: `it is ${kind}` })

  test('is a hint where a right is missing, and a problem where the server is away', async () => {
    const denied = await server.examine(told({ rights: failed('denied') }))
    expect(denied[0]).toMatchObject({ level: 'hint', text: 'it is denied' })
    for (const kind of ['unreachable', 'failed']) {
      const [finding] = await server.examine(told({ rights: failed(kind) }))
      expect(finding).toMatchObject({ level: 'problem', text: expect.stringContaining(kind) })
    }
  })

  test('is no finding where this program is at fault', async () => {
    const defect = new TypeError('a defect')
    await expect(server.examine(told({ rights: defect }))).rejects.toBe(defect)
    const entries = () => {
      throw defect
    }
    const operator = { about: () => ({}), entries }
    await expect(keyspace.examine(operator)).rejects.toThrow(TypeError)
  })
})

test('each primary is asked for the least number of its replicas', async () => {
  const nodes = [
    { server: 'a', info: { connected_slaves: '1', min_slaves_good_slaves: '1' } },
    { server: 'b', info: { connected_slaves: '2' } },
    { server: 'c', info: { connected_slaves: '0' } },
  ]
  const findings = await server.examine(told({ facts: { nodes } }))
  expect(levels(findings, 'replicas')).toEqual(['fine', 'hint', 'fine'])
})

describe('the keys', () => {
  /** A server with so many keys, of which the first are these entries. */
  function listing({ total, entries = [], place = {} }) {
    let scanned = 0
    const answers = {
      scan: () => ({ total }),
      page: () => {
        scanned += 250
        const some = entries.splice(0, 250)
        return { scanned: Math.min(scanned, total), entries: some, isDone: scanned >= total }
      },
    }
    const asked = {
      about: () => JSON.stringify({ namespace: 'shop', buildName: place.build ?? '' }),
      run: async (order) => JSON.stringify(answers[JSON.parse(order).do]()),
    }
    const operator = new Operator({ label: '', serverDir: '/nowhere', ...place }, asked)
    return { operator, looked: () => scanned }
  }

  test('no more are looked at than is said, also where few of them are entries', async () => {
    const { operator, looked } = listing({ total: 1_000_000 })
    const [finding] = await keyspace.examine(operator)
    expect(looked()).toBe(200_000)
    expect(finding.text).toContain('as far as 200000 keys')
    const all = listing({ total: 1_000 })
    expect((await keyspace.examine(all.operator))[0].text).not.toContain('as far as')
  })

  const page = (label) => ({ bytes: 1, tags: [`tiercel:key:${label}:page`], position: 1 })
  const problems = async (labels, place) => {
    const entries = labels.map(page)
    const { operator } = listing({ total: 250, entries, place })
    return levels(await keyspace.examine(operator), 'keys').filter((level) => level === 'problem')
  }

  test('the only app is not another one, unless an app is here', async () => {
    const [one, other] = ['00000001', '00000002']
    expect(await problems([one, one])).toEqual([])
    expect(await problems([one, other])).toEqual(['problem'])
    const here = { label: `${one}:`, build: 'b' }
    expect(await problems([one], here)).toEqual([])
    expect(await problems([one, other], here)).toEqual(['problem'])
    expect(await problems([other], here)).toEqual(['problem'])
  })
})
