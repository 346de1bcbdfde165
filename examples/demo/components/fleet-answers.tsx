'use client'

import { useEffect, useState } from 'react'
import { Glyph } from './glyph'

/** One answer as an instance gives it. */
type Cell = { name: string; label: string; seed: number; source: string; tier: string }

/** The same page asked at every instance, side by side: one pattern in a row is one generation. */
export function FleetAnswers({ count, path, turn }: { count: number; path: string; turn: number }) {
  const [columns, setColumns] = useState<Cell[][]>([])

  useEffect(() => {
    let isWanted = true
    const numbers = Array.from({ length: count }, (_, index) => index + 1)
    void Promise.all(numbers.map((number) => askAt(number, path, turn))).then((answers) => {
      if (isWanted) setColumns(answers)
    })
    return () => {
      isWanted = false
    }
  }, [count, path, turn])

  const rows = columns.find((cells) => cells.length > 0) ?? []
  if (rows.length === 0) return null
  return (
    <div className="fleet-answers">
      <table>
        <thead>
          <tr>
            <td />
            {columns.map((_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: an instance is its number.
              <th key={index} scope="col">
                <span className="word">Instance </span>
                {index + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, label }) => (
            <tr key={name}>
              <th scope="row">{label}</th>
              {columns.map((cells, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: an instance is its number.
                <td key={index}>
                  <Answered cell={cells.find((cell) => cell.name === name)} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Answered({ cell }: { cell: Cell | undefined }) {
  if (!cell) return <span className="quiet">no answer</span>
  return (
    <span className="answered" data-answered={cell.name} data-seed={cell.seed}>
      <Glyph seed={cell.seed} size={34} />
      <span className={`from ${cell.source}`} data-tier={cell.tier || undefined}>
        {cell.tier || cell.source}
      </span>
    </span>
  )
}

async function askAt(instance: number, path: string, turn: number): Promise<Cell[]> {
  const query = new URLSearchParams({ instance: String(instance), path, turn: String(turn) })
  const response = await fetch(`/api/ask?${query}`, { cache: 'no-store' }).catch(() => undefined)
  if (!response?.ok) return []
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  join(page)
  return [...page.querySelectorAll<HTMLElement>('[data-answer]')].map((answer) => {
    const source = answer.querySelector<HTMLElement>('.source')
    return {
      name: answer.dataset.answer ?? '',
      label: answer.querySelector('h3')?.firstChild?.textContent?.replace(/,.*$/, '') ?? '',
      seed: Number(answer.dataset.seed),
      source: source?.className.replace('source', '').replace('pending', '').trim() ?? '',
      tier: { shared: 'Redis' }[source?.dataset.tier ?? ''] ?? source?.dataset.tier ?? '',
    }
  })
}

/** React streams what was not ready in time apart, and a script that does not run here joins it. */
function join(page: Document) {
  for (const hole of page.querySelectorAll('template[id^="P:"]')) {
    const piece = page.getElementById(hole.id.replace('P:', 'S:'))
    if (piece) hole.replaceWith(...piece.childNodes)
  }
}
