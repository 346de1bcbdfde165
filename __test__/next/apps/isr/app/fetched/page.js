import { Report } from '../../lib/report.js'
import { shared } from '../../lib/shared.js'

export const revalidate = 3600

export default async function Page() {
  return <Report {...(await shared())} />
}
