export const config = { runtime: 'experimental-edge' }

export function getServerSideProps() {
  return { props: { runtime: process.env.NEXT_RUNTIME } }
}

export default function Page({ runtime }) {
  return <main>rendered in {runtime}</main>
}
