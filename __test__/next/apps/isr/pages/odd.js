import { generation } from '../lib/generation.js'
import { Report } from '../lib/report.js'

/** Values that JSON can hold and parsers like to change. */
export function getStaticProps() {
  const numbers = [
    0.1, 1e21, 5e-324, 1.7976931348623157e308, 0.30000000000000004, -122.41941550000001,
  ]
  const cut = '👍'.slice(0, 1)
  return {
    props: { generation: generation('odd'), numbers, cut, z: 1, a: { 2: 'two', 1: 'one' } },
    revalidate: 3600,
  }
}

export default Report
