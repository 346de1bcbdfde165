'use client'

import { useState } from 'react'
import { kindLabel, type Stats } from '../lib/cache-log'
import { useCacheLog } from './cache-log-feed'
import { Flash } from './flash'

/** `CacheHandler.stats()` as it is: every number, grouped as the engine groups it. */
export function StatsPanel() {
  const { stats, addresses } = useCacheLog()
  const [chosen, setChosen] = useState(0)
  const groups = groupsOf(stats[chosen] ?? {})
  const choice = addresses.length > 1 && (
    <InstanceChoice count={addresses.length} chosen={chosen} choose={setChosen} />
  )
  if (groups.length === 0) return choice || <p className="quiet">No counters yet.</p>
  const tables = tablesOf(groups)
  return (
    <div className="stats">
      {choice}
      {tables
        .filter((rows) => rows.length > 1)
        .map((rows) => (
          <Table key={rows[0].title} rows={rows} />
        ))}
      <div className="stat-groups">
        {tables
          .filter((rows) => rows.length === 1)
          .map(([group]) => (
            <List key={group.title} group={group} />
          ))}
      </div>
    </div>
  )
}

type ChoiceProps = { count: number; chosen: number; choose: (index: number) => void }

/** Each instance of a fleet counts for itself. */
function InstanceChoice({ count, chosen, choose }: ChoiceProps) {
  return (
    <fieldset className="instances">
      <legend className="visually-hidden">Whose counters</legend>
      {Array.from({ length: count }, (_, index) => (
        <button
          // biome-ignore lint/suspicious/noArrayIndexKey: an instance is its number.
          key={index}
          type="button"
          className="button small"
          aria-pressed={chosen === index}
          onClick={() => choose(index)}
        >
          Instance {index + 1}
        </button>
      ))}
    </fieldset>
  )
}

type Group = { title: string; cells: [string, number | string][] }

/** Groups with the same columns together. */
function tablesOf(groups: Group[]): Group[][] {
  const tables: Record<string, Group[]> = {}
  for (const group of groups) {
    const columns = group.cells.map(([name]) => name).join()
    tables[columns] = [...(tables[columns] ?? []), group]
  }
  return Object.values(tables)
}

/** Groups that count the same things, one row each. */
function Table({ rows }: { rows: Group[] }) {
  return (
    <div className="stat-group stat-table">
      <table>
        <thead>
          <tr>
            <td />
            {rows[0].cells.map(([name]) => (
              <th key={name} scope="col">
                {words(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.title}>
              <th scope="row">{words(row.title)}</th>
              {row.cells.map(([name, value]) => (
                <td key={name} data-column={words(name)} data-zero={value === 0 || undefined}>
                  <Value group={row.title} name={name} value={value} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function List({ group }: { group: Group }) {
  return (
    <section className="stat-group">
      <h3>{words(group.title)}</h3>
      <dl>
        {group.cells.map(([name, value]) => (
          <div key={name}>
            <dt>{words(name)}</dt>
            <dd data-zero={value === 0 || undefined}>
              <Value group={group.title} name={name} value={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

type ValueProps = { group: string; name: string; value: number | string }

function Value({ group, name, value }: ValueProps) {
  return (
    <Flash name={`stat:${group}:${name}`} version={String(value)}>
      <span data-stat={`${group} ${name}`}>{amount(`${group} ${name}`, value)}</span>
    </Flash>
  )
}

function groupsOf(stats: Stats, path = 'totals'): Group[] {
  const own: Group = { title: path, cells: [] }
  const inner: Group[] = []
  for (const [name, value] of Object.entries(stats)) {
    if (value === null || value === undefined || isList(value)) continue
    if (typeof value === 'object')
      inner.push(...groupsOf(value, path === 'totals' ? name : `${path} ${name}`))
    else own.cells.push([name, value])
  }
  return own.cells.length > 0 ? [own, ...inner] : inner
}

/** A list, and what has one: the buckets of a histogram are for a graph and not for a table. */
function isList(value: Stats[string]): value is number[] {
  if (typeof value !== 'object') return false
  return Array.isArray(value) || Object.values(value).some(Array.isArray)
}

function words(name: string) {
  return name
    .split(' ')
    .map((part) =>
      /^[A-Z_]+$/.test(part)
        ? kindLabel(part)
        : part
            .replace(/_/g, ' ')
            .replace(/([a-z\d])([A-Z])/g, '$1 $2')
            .toLowerCase(),
    )
    .join(' · ')
}

function amount(name: string, value: number | string) {
  if (typeof value === 'string') return value
  if (/bytes|weight/i.test(name)) return size(value)
  return value.toLocaleString('en', { maximumFractionDigits: 2 })
}

function size(bytes: number) {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KB', 'MB', 'GB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}
