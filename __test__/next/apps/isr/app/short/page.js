import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

export const revalidate = 1

export default function Page() {
  return <Report generation={generation('short')} />
}
