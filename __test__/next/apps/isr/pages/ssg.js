import { generation } from '../lib/generation.js'
import { Report } from '../lib/report.js'

export function getStaticProps() {
  return { props: { generation: generation('ssg') }, revalidate: 3600 }
}

export default Report
