import Link from 'next/link'

/** Rendered by `next build`, and again at most once a minute. */
export function getStaticProps() {
  return { props: { at: new Date().toISOString() }, revalidate: 60 }
}

export default function Page({ at }) {
  return (
    <>
      <p>Generated at {at}</p>
      <Link href="/posts/first">First post</Link>
    </>
  )
}
