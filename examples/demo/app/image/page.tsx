import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metadata } from 'next'
import { cacheLife } from 'next/cache'
import { ImageViewer } from '../../components/image-viewer'
import { Lesson, type LessonText } from '../../components/lesson'

const lesson: LessonText = {
  title: 'Images',
  lede: 'The image optimizer resizes a picture once for each width, quality and format. With images.customCacheHandler the results live in Tiercel, within its memory bound. Images have no tags: they go by their age.',
  steps: [
    'Ask again. The answer takes a few milliseconds.',
    'Choose another quality. The first answer takes longer: the picture is resized.',
    'Go back to the quality before. It is still there.',
  ],
  code: `// next.config.ts
images: { customCacheHandler: true }

// page.tsx
<Image src={photo} alt="Three tiers of hills at dusk" quality={75} />`,
}

export const metadata: Metadata = { title: lesson.title }

async function originalBytes() {
  'use cache'
  cacheLife('max')
  return (await stat(join(process.cwd(), 'public', 'tiers.jpg'))).size
}

export default async function ImagePage() {
  return (
    <Lesson {...lesson}>
      <ImageViewer originalBytes={await originalBytes()} />
    </Lesson>
  )
}
