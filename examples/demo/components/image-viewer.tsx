'use client'

import Image from 'next/image'
import { useState } from 'react'
import photo from '../public/tiers.jpg'

type Facts = { cache: string; type: string; bytes: number; milliseconds: number }

const qualities = [50, 75, 90]
const size = (bytes: number) => `${(bytes / 1024).toFixed(0)} KB`

/** An optimized image, and what the server said when it was asked for. */
export function ImageViewer({ originalBytes }: { originalBytes: number }) {
  const [quality, setQuality] = useState(75)
  const [chosen, setChosen] = useState(quality)
  const [facts, setFacts] = useState<Facts>()

  const ask = async (url: string) => {
    const start = performance.now()
    // `no-store` skips the cache of the browser: this is about the server.
    const response = await fetch(url, {
      cache: 'no-store',
      headers: { accept: 'image/avif,image/webp,image/*' },
    })
    const bytes = (await response.blob()).size
    setFacts({
      cache: response.headers.get('x-nextjs-cache') ?? 'none',
      type: response.headers.get('content-type') ?? '',
      bytes,
      milliseconds: performance.now() - start,
    })
  }

  // Asks before the browser does, so that the first answer for a variant is seen.
  const choose = async (next: number) => {
    setChosen(next)
    await ask(current().replace(/([?&]q=)\d+/, `$1${next}`))
    setQuality(next)
  }

  const current = () => document.querySelector<HTMLImageElement>('#photo')?.currentSrc ?? ''
  const badge = facts?.cache === 'HIT' ? 'cache' : facts?.cache === 'STALE' ? 'stale' : 'generated'

  return (
    <>
      <figure className="photo">
        <Image
          id="photo"
          src={photo}
          alt="Three tiers of hills at dusk, drawn by a program"
          sizes="(max-width: 860px) 100vw, 780px"
          quality={quality}
          loading="eager"
          onLoad={(event) => facts || void ask(event.currentTarget.currentSrc)}
        />
        <figcaption aria-live="polite">
          {facts ? (
            <>
              <span className={`source ${badge}`}>
                {facts.cache === 'HIT'
                  ? 'Read from the cache'
                  : facts.cache === 'STALE'
                    ? 'Read from the cache, stale'
                    : 'Resized for this request'}
              </span>
              <span className="mono">
                x-nextjs-cache: <b data-header="x-nextjs-cache">{facts.cache}</b>
              </span>
              <span>
                {size(originalBytes)} as jpeg → <b>{size(facts.bytes)}</b> as{' '}
                {facts.type.replace('image/', '')}
              </span>
              <span>{facts.milliseconds.toFixed(0)} ms</span>
            </>
          ) : (
            <span className="quiet">…</span>
          )}
        </figcaption>
      </figure>
      <div className="actions">
        <div className="act">
          <button type="button" className="button primary" onClick={() => void ask(current())}>
            Ask again
          </button>
          <p className="effect">The same variant: it is not resized a second time.</p>
        </div>
        <fieldset className="act choice">
          <legend>Quality</legend>
          {qualities.map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="quality"
                checked={chosen === each}
                onChange={() => void choose(each)}
              />{' '}
              {each}
            </label>
          ))}
          <p className="effect">
            Another quality is another entry: resized once, at the first request.
          </p>
        </fieldset>
      </div>
    </>
  )
}
