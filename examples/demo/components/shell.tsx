import type { ReactNode } from 'react'
import { DecisionLog } from './decision-log'
import { FleetBar } from './fleet-bar'
import { Mark } from './mark'
import { Nav } from './nav'

/** The frame around every page of both routers. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="side">
        <a className="brand" href="/">
          <Mark />
          <span>
            Tiercel <small>demo</small>
          </span>
        </a>
        <Nav />
      </header>
      <main id="content" className="main" tabIndex={-1}>
        <FleetBar />
        {children}
      </main>
      <DecisionLog />
    </div>
  )
}
