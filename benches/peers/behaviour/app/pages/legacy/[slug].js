import { ask } from '../../lib/ask.js'
import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

export const getStaticPaths = () => ({ paths: [], fallback: 'blocking' })

export async function getStaticProps({ params: { slug } }) {
  const props = { generation: generation(`legacy-${slug}`), origin: await ask(`legacy-${slug}`) }
  return { props, revalidate: 3600 }
}

export default function Page(props) {
  return <Report {...props} />
}
