import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

export function getStaticPaths() {
  return { paths: [{ params: { slug: 'first' } }], fallback: 'blocking' }
}

export function getStaticProps({ params: { slug } }) {
  if (slug === 'none') return { notFound: true, revalidate: 3600 }
  if (slug === 'old') {
    return { redirect: { destination: '/guides/first', permanent: false }, revalidate: 3600 }
  }
  return { props: { generation: generation(`guides-${slug}`) }, revalidate: 3600 }
}

export default Report
