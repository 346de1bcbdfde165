import { useRouter } from 'next/router'
import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

export function getStaticPaths() {
  return { paths: [{ params: { slug: 'first' } }], fallback: true }
}

export function getStaticProps({ params }) {
  return { props: { generation: generation(`posts-${params.slug}`) }, revalidate: 3600 }
}

export default function Page(props) {
  return useRouter().isFallback ? <main>loading shell</main> : <Report {...props} />
}
