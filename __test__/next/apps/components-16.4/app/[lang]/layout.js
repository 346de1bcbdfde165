export function generateStaticParams() {
  return [{ lang: 'en' }, { lang: 'fr' }]
}

/** A root layout of its own makes `lang` a root parameter. */
export default async function Layout({ children, params }) {
  return (
    <html lang={(await params).lang}>
      <body>{children}</body>
    </html>
  )
}
