'use client'

import { usePathname } from 'next/navigation'
import { useEffect, useRef } from 'react'
import { sections } from '../lib/pages'

/**
 * Plain links on purpose: every step is one document request, without prefetches,
 * so that the decision log shows exactly what that step did.
 */
export function Nav() {
  const current = usePathname()
  const ref = useRef<HTMLElement>(null)

  // On a narrow screen the navigation is one row that scrolls sideways.
  useEffect(() => {
    const link = ref.current?.querySelector<HTMLElement>('[aria-current]')
    if (ref.current && link) ref.current.scrollLeft = link.offsetLeft - ref.current.clientWidth / 3
  }, [])

  const link = (href: string, title: string) => (
    <a href={href} aria-current={current === href ? 'page' : undefined}>
      {title}
    </a>
  )
  return (
    <nav ref={ref} aria-label="Pages of the demo">
      <ul className="nav-list">
        <li>{link('/', 'Overview')}</li>
      </ul>
      {sections.map((section) => (
        <div key={section.title} className="nav-group">
          <p id={`nav-${section.title}`}>{section.title}</p>
          <ul className="nav-list" aria-labelledby={`nav-${section.title}`}>
            {section.pages.map((page) => (
              <li key={page.href}>{link(page.href, page.title)}</li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}
