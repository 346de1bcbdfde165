import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

export const revalidate = 3600

export default function Page() {
  return <Report generation={generation('proxied')} />
}
