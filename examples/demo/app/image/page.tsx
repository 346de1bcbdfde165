import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metadata } from 'next'
import { cacheLife } from 'next/cache'
import { Code } from '../../components/code'
import { ImageViewer } from '../../components/image-viewer'
import { Page, Section, Steps } from '../../components/page'

export const metadata: Metadata = { title: 'Images' }

async function originalBytes() {
  'use cache'
  cacheLife('max')
  return (await stat(join(process.cwd(), 'public', 'tiers.jpg'))).size
}

export default async function ImagePage() {
  return (
    <Page
      title="Images"
      lede="The image optimizer resizes a picture once for each width, quality and format. With images.customCacheHandler the results live in Tiercel, within its memory bound. Images have no tags: they go by their age."
    >
      <Section title="The answer">
        <ImageViewer originalBytes={await originalBytes()} />
      </Section>
      <Steps>
        <li>Ask again. The answer takes a few milliseconds.</li>
        <li>Choose another quality. The first answer takes longer: the picture is resized.</li>
        <li>Go back to the quality before. It is still there.</li>
      </Steps>
      <Code>{`// next.config.ts
images: { customCacheHandler: true }

// page.tsx
<Image src={photo} alt="Three tiers of hills at dusk" quality={75} />`}</Code>
    </Page>
  )
}
