import type { Metadata } from 'next'
import { Code } from '../../components/code'
import { LiveViews } from '../../components/live-views'
import { Page, Section, Steps } from '../../components/page'

export const metadata: Metadata = { title: 'Live views' }

export default function Views() {
  return (
    <Page
      title="Live views"
      lede="proxy.ts counts every view of a page. To count costs no round trip: adds are collected in the process and leave together."
    >
      <Section title="Seen most">
        <LiveViews />
      </Section>
      <Steps>
        <li>Open a few pages in another window, and watch the counts here.</li>
        <li>Reload this page. It is counted as well.</li>
      </Steps>
      <Code>{`import { counter } from 'tiercel/app'

const views = counter('views')

// proxy.ts
export function proxy(request) {
  views.add(request.nextUrl.pathname)
  views.unique(request.nextUrl.pathname, visitorOf(request))
  return NextResponse.next()
}

await views.top(5)`}</Code>
    </Page>
  )
}
