/** The map of this demo: navigation and overview both read it. */
export type Page = { href: string; title: string; line: string; kind: string }

export const sections: { title: string; pages: Page[] }[] = [
  {
    title: 'Directives',
    pages: [
      {
        href: '/use-cache',
        title: 'use cache',
        line: 'Lifetimes, tags, and one cached function inside another.',
        kind: 'USE_CACHE',
      },
      {
        href: '/remote',
        title: 'use cache: remote',
        line: 'One entry for each argument.',
        kind: 'USE_CACHE',
      },
    ],
  },
  {
    title: 'Invalidation',
    pages: [
      {
        href: '/update-tag',
        title: 'updateTag',
        line: 'Change a value and read your own write.',
        kind: 'USE_CACHE',
      },
      {
        href: '/revalidate-tag',
        title: 'revalidateTag',
        line: 'The old value once more, then the new one.',
        kind: 'USE_CACHE',
      },
      {
        href: '/revalidate-path',
        title: 'revalidatePath',
        line: 'A prerendered page, replaced by its path.',
        kind: 'APP_PAGE',
      },
    ],
  },
  {
    title: 'Routes and data',
    pages: [
      {
        href: '/route-handler',
        title: 'Route handler',
        line: 'A GET response, kept as it was sent.',
        kind: 'APP_ROUTE',
      },
      { href: '/fetch', title: 'fetch', line: 'An origin that counts its calls.', kind: 'FETCH' },
      {
        href: '/unstable-cache',
        title: 'unstable_cache',
        line: 'The older function, on the same engine.',
        kind: 'FETCH',
      },
      {
        href: '/isr',
        title: 'Pages Router',
        line: 'getStaticProps, revalidate and res.revalidate.',
        kind: 'PAGES',
      },
      {
        href: '/image',
        title: 'Images',
        line: 'Resized once, then served from the cache.',
        kind: 'IMAGE',
      },
    ],
  },
  {
    title: "The app's own code",
    pages: [
      {
        href: '/products',
        title: 'cache',
        line: 'A value of your own, under a tag of a page.',
        kind: 'tiercel/app',
      },
      {
        href: '/login',
        title: 'Sessions and codes',
        line: 'A login that ends everywhere at once.',
        kind: 'tiercel/app',
      },
      {
        href: '/rate-limit',
        title: 'Rate limit',
        line: 'A route with a budget that you can see.',
        kind: 'tiercel/app',
      },
      {
        href: '/views',
        title: 'Live views',
        line: 'Counts that cost no round trip.',
        kind: 'tiercel/app',
      },
    ],
  },
]

export const allPages = sections.flatMap((section) => section.pages)
