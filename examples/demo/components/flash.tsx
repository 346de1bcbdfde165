'use client'

import { type ReactNode, useEffect, useRef } from 'react'

/** Marks its content for a moment when it differs from what this tab saw before. */
export function Flash({
  name,
  version,
  children,
}: {
  name: string
  version: string
  children: ReactNode
}) {
  const ref = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const key = `tiercel-demo:${name}`
    const seen = sessionStorage.getItem(key)
    sessionStorage.setItem(key, version)
    const element = ref.current
    if (!element || seen === null || seen === version) return
    element.classList.remove('changed')
    void element.offsetWidth // restarts the animation
    element.classList.add('changed')
  }, [name, version])

  return (
    <div ref={ref} className="flash">
      {children}
    </div>
  )
}
