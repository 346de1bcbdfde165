import type { AppProps } from 'next/app'
import Head from 'next/head'
import { Shell } from '../components/shell'
import '../styles/index.css'

export default function App({ Component, pageProps }: AppProps) {
  return (
    <>
      <Head>
        <title>Pages Router · Tiercel demo</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="/icon.svg" />
      </Head>
      <Shell>
        <Component {...pageProps} />
      </Shell>
    </>
  )
}
