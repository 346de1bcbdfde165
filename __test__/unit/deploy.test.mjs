import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { findPromtool } from '../../tools/prometheus.mjs'
import { directory, index, write } from './support.mjs'

// The dashboard and the alert rules in deploy/.

const root = dirname(index)
const text = (file) => readFileSync(join(root, file), 'utf8')
const require = createRequire(index)
const { definitions } = require('./js/metrics/definitions.js')
const { nameOf } = require('./js/metrics/names.js')
const RULES = 'deploy/prometheus/tiercel.rules.yml'
const TESTS = 'deploy/prometheus/tiercel.test.yml'

const rules = parse(text(RULES)).groups.flatMap((group) => group.rules)
const alerts = rules.filter(({ alert }) => alert)
const dashboard = JSON.parse(text('deploy/grafana/tiercel.json'))
const panels = dashboard.panels.filter(({ type }) => type !== 'row')
const targets = panels.flatMap((panel) => panel.targets)

/** Every name that a scrape of these metrics may have. */
const names = new Set(
  definitions.flatMap((one) => {
    const parts = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_count'] }
    return (parts[one.type] ?? ['']).map((end) => nameOf(one) + end)
  }),
)
const recorded = new Set(rules.map(({ record }) => record).filter(Boolean))
const namesIn = (expression) => expression.match(/[a-z_]*:?tiercel_\w+(:\w+)?/g) ?? []

describe('the alert rules', () => {
  it('are correct, and fire and do not fire as their tests say', async ({ skip }) => {
    const promtool = await findPromtool(skip)
    const checked = await promtool(['check', 'rules', '--lint-fatal', join(root, RULES)])
    expect(checked, checked.said).toMatchObject({ code: 0 })
    const tested = await promtool(['test', 'rules', join(root, TESTS)])
    expect(tested, tested.said).toMatchObject({ code: 0 })
  }, 120_000)

  it('ask for nothing but metrics that there are', () => {
    for (const { expr } of rules) {
      const asked = namesIn(expr)
      expect(asked.length, expr).toBeGreaterThan(0)
      for (const name of asked) expect(names.has(name) || recorded.has(name), name).toBe(true)
    }
  })

  const tests = parse(text(TESTS)).tests.flatMap((one) => one.alert_rule_test ?? [])

  it.for(alerts)(
    '$alert is tested both ways, and says what it means',
    ({ alert, labels, annotations }) => {
      const counts = tests
        .filter(({ alertname }) => alertname === alert)
        .map(({ exp_alerts }) => exp_alerts.length > 0)
      expect(new Set(counts)).toEqual(new Set([true, false]))
      expect(labels.severity).toMatch(/^(critical|warning)$/)
      expect(annotations).toEqual({ summary: expect.any(String), description: expect.any(String) })
    },
  )

  it('are in the documentation, each with what to do', () => {
    const rows = text('docs/operations.md').match(/^\| `Tiercel\w+` \| .{20,} \|$/gm) ?? []
    expect(rows.map((row) => row.split('`')[1])).toEqual(alerts.map(({ alert }) => alert))
  })
})

describe('the dashboard', () => {
  it('asks for nothing but metrics that there are', () => {
    for (const { expr } of targets) {
      const asked = namesIn(expr)
      expect(asked.length, expr).toBeGreaterThan(0)
      for (const name of asked) expect(names, expr).toContain(name)
    }
  })

  it('has expressions that Prometheus understands', async (test) => {
    const promtool = await findPromtool(test.skip)
    const groups = [
      {
        name: 'dashboard',
        rules: targets.map(({ expr }, n) => ({
          record: `panel:${n}`,
          expr: expr.replaceAll('$__rate_interval', '5m'),
        })),
      },
    ]
    const dir = directory(test)
    // JSON is YAML.
    write(dir, { 'dashboard.yml': { groups } })
    const checked = await promtool(['check', 'rules', join(dir, 'dashboard.yml')])
    expect(checked, checked.said).toMatchObject({ code: 0 })
    expect(checked.said).toContain(`${targets.length} rules found`)
  }, 120_000)

  it('says of each panel what it shows, and lets none overlap', () => {
    const taken = new Set()
    for (const { title, description, gridPos, datasource } of panels) {
      expect(description, title).toMatch(/\.$/)
      expect(datasource.uid).toMatch(/^\$\{datasource\}$/)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x}/${y}`), title).toBe(false)
          taken.add(`${x}/${y}`)
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })
})
