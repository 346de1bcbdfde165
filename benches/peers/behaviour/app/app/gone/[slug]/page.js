import { notFound } from 'next/navigation'
import { ask } from '../../../lib/ask.js'

export const revalidate = 3600

export const generateStaticParams = () => []

export default async function Page({ params }) {
  const { slug } = await params
  await ask(`gone-${slug}`)
  notFound()
}
