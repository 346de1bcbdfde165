import { generation } from '../lib/generation.js'
import { Report } from '../lib/report.js'

/** Static for ever (`revalidate: false`), with text of every width. */
export default function Page() {
  return (
    <>
      <p>Grüße, 你好, 👍</p>
      <Report generation={generation('home')} />
    </>
  )
}
