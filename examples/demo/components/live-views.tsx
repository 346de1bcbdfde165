'use client'

import { useEffect, useState } from 'react'
import { Flash } from './flash'

const EVERY_MS = 1000

type Seen = { page: string; count: number; visitors: number }

/** The pages seen most, asked for each second. */
export function LiveViews() {
  const [pages, setPages] = useState<Seen[]>()

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    const ask = async () => {
      const answer = await fetch('/api/views', { cache: 'no-store' }).catch(() => undefined)
      if (answer?.ok) setPages(await answer.json())
      timer = setTimeout(ask, EVERY_MS)
    }
    void ask()
    return () => clearTimeout(timer)
  }, [])

  if (!pages) return <p className="quiet">Counting…</p>
  const most = Math.max(1, ...pages.map(({ count }) => count))
  return (
    <ol className="views">
      {pages.map(({ page, count, visitors }) => (
        <li key={page} data-views={page} data-count={count}>
          <Flash name={`views:${page}`} version={String(count)}>
            <span className="mono">{page}</span>
            <meter min={0} max={most} value={count}>
              {count}
            </meter>
            <span>
              <b>{count}</b> <small>{visitors === 1 ? '1 visitor' : `${visitors} visitors`}</small>
            </span>
          </Flash>
        </li>
      ))}
    </ol>
  )
}
