/** Rendered by `next build`, so every instance has it before its first request. */
export const revalidate = 3600

export default function Page() {
  return (
    <>
      <h1>Shop</h1>
      <p>
        <a href="/products/1">A product</a>
      </p>
    </>
  )
}
