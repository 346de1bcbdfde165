import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { Shell } from '../components/shell'
import '../styles/index.css'

export const metadata: Metadata = {
  title: { default: 'Tiercel demo', template: '%s · Tiercel demo' },
  description: 'See what a cache engine for Next.js keeps, serves and invalidates.',
  // Not app/icon.svg: that would be a route, with a decision for every page.
  icons: '/icon.svg',
}

export const viewport: Viewport = { colorScheme: 'light dark' }

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Shell>{children}</Shell>
      </body>
    </html>
  )
}
