/** No post at build time: the first request generates its page. */
export function getStaticPaths() {
  return { paths: [], fallback: 'blocking' }
}

export function getStaticProps({ params }) {
  return { props: { slug: params.slug, at: new Date().toISOString() }, revalidate: 3600 }
}

export default function Page({ slug, at }) {
  return (
    <>
      <h1>{slug}</h1>
      <p>Generated at {at}</p>
    </>
  )
}
