/** Shows what a scenario reads back: which generation rendered this, and what the origin had said. */
export function Report({ generation, origin }) {
  return (
    <main data-generation={generation} data-origin={origin}>
      {generation}
    </main>
  )
}
