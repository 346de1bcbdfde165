import { plain } from '../../../lib/cached.js'
import { Report } from '../../../lib/report.js'

export default async function Page() {
  return <Report generation={await plain('proxied')} />
}
