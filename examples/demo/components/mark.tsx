/** A falcon's wing in three tiers. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
      <path d="M3 7c10-3.500 19-2 26 5-8-2.500-15.500-2.500-22 0z" />
      <path d="M6.500 14.500c8-2.500 14.500-1 19.500 4.500-6-1.500-11.500-1-16 1z" opacity=".72" />
      <path d="M10.500 22.500c5-1.500 9.500-.5 12.500 3.500-4-.7-7.500-.2-10 1z" opacity=".45" />
    </svg>
  )
}
