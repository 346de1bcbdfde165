/** Prerendered as a 404. */
export function getStaticProps() {
  return { notFound: true, revalidate: 3600 }
}

export default function Gone() {
  return null
}
