import { type ReactNode, Suspense } from 'react'
import type { Generation } from '../lib/generation'
import { sourced } from '../lib/source'
import { Answer, AnswerPlaceholder, SourceBadge } from './answer'

type CachedProps<Value> = {
  name: string
  label: ReactNode
  /** The cached function. */
  read: () => Promise<Value>
  children: (value: Value) => ReactNode
}

/** What a cached function returned, and where that came from. */
export function Cached<Value extends { generation: Generation }>(props: CachedProps<Value>) {
  return (
    <Suspense fallback={<AnswerPlaceholder />}>
      <Read {...props} />
    </Suspense>
  )
}

async function Read<Value extends { generation: Generation }>({
  name,
  label,
  read,
  children,
}: CachedProps<Value>) {
  const [value, sourceOf] = await sourced(read)
  const { generation } = value
  const source = <SourceBadge source={sourceOf(generation)} />
  return (
    <Answer name={name} label={label} generation={generation} source={source}>
      {children(value)}
    </Answer>
  )
}
