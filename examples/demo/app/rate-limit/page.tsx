import type { Metadata } from 'next'
import { Budget } from '../../components/budget'
import { Code } from '../../components/code'
import { Page, Section, Steps } from '../../components/page'

export const metadata: Metadata = { title: 'Rate limit' }

export default function RateLimit() {
  return (
    <Page
      title="Rate limit"
      lede="A route handler that admits ten requests in any twenty seconds. Whoever is over the limit is refused from memory: a flood costs no round trip."
    >
      <Section title="The budget">
        <Budget />
      </Section>
      <Steps>
        <li>Send one request after the other, and see the budget shrink.</li>
        <li>Send thirty at once. As many are admitted as the budget has left, and no more.</li>
        <li>Wait. The budget comes back little by little, and the headers say when.</li>
      </Steps>
      <Code>{`import { clientIp, rateLimit } from 'tiercel/app'

const search = rateLimit({ name: 'search', limit: 10, window: '20s' })

export const GET = search.route(
  async (request) => Response.json(await find(request)),
  { id: (request) => clientIp(request) ?? 'somebody' },
)`}</Code>
    </Page>
  )
}
