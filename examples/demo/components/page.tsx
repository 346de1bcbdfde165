import type { ReactNode } from 'react'

/** Title, introduction and content of one page. */
export function Page({
  title,
  lede,
  children,
}: {
  title: string
  lede: ReactNode
  children: ReactNode
}) {
  return (
    <>
      <header className="page-head">
        <h1>{title}</h1>
        <p className="lede">{lede}</p>
      </header>
      {children}
    </>
  )
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="section">
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** Steps to try, in order. */
export function Steps({ children }: { children: ReactNode }) {
  return (
    <Section title="Try this">
      <ol className="steps">{children}</ol>
    </Section>
  )
}
