const tokens =
  /(\/\/.*$)|('[^'\n]*'|`[^`\n]*`)|\b(async|await|function|const|return|export|import|from|default|new)\b|(\b\d+\b)/gm
const classes = ['comment', 'string', 'keyword', 'number']

/** The lines that matter, coloured by a few rules. */
export function Code({ children }: { children: string }) {
  const parts = []
  let end = 0
  for (const match of children.matchAll(tokens)) {
    parts.push(children.slice(end, match.index))
    const group = match.slice(1).findIndex(Boolean)
    parts.push(
      <span key={match.index} className={classes[group]}>
        {match[0]}
      </span>,
    )
    end = match.index + match[0].length
  }
  parts.push(children.slice(end))
  return (
    <section className="section">
      <h2>The code</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard. */}
      <pre className="code" tabIndex={0}>
        <code>{parts}</code>
      </pre>
    </section>
  )
}
