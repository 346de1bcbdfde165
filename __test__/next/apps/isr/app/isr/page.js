import { generation } from '../../lib/generation.js'
import { origin } from '../../lib/origin.js'
import { Report } from '../../lib/report.js'

export const revalidate = 3600

export default async function Page() {
  const n = await origin('isr', { next: { tags: ['isr'] } })
  return <Report generation={generation('isr')} origin={n} />
}
