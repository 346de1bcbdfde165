import type { ReactNode } from 'react'
import { Act, Actions, type ActProps, Reload } from './buttons'
import { Code } from './code'
import { Page, Section, Steps } from './page'
import { Why } from './why'

/** What a page teaches: everything on it but the answers. */
export type LessonText = {
  title: string
  lede: string
  /** Over the answers. */
  heading?: string
  /** What a reload does; without it the page has no row of actions. */
  reload?: string
  invalidations?: ActProps[]
  /** What to try, in order. */
  steps: string[]
  code: string
}

/** The frame of every page: the answers, what can be done to them, why they are so, and the code. */
export function Lesson({
  title,
  lede,
  heading = 'The answer',
  reload,
  invalidations = [],
  steps,
  code,
  actions,
  children,
}: LessonText & { actions?: ReactNode; children: ReactNode }) {
  return (
    <Page title={title} lede={lede}>
      <Section title={heading}>{children}</Section>
      {reload && (
        <Actions>
          <Reload effect={reload} />
          {invalidations.map((invalidation) => (
            <Act key={invalidation.label} {...invalidation} />
          ))}
          {actions}
        </Actions>
      )}
      <Why />
      <Steps>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </Steps>
      <Code>{code}</Code>
    </Page>
  )
}
