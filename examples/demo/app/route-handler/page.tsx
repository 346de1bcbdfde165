import type { Metadata } from 'next'
import { Lesson, type LessonText } from '../../components/lesson'
import { RouteResponse } from '../../components/route-response'
import { expireTag, refreshQuote, staleTag } from '../actions'

const lesson: LessonText = {
  title: 'Route handler',
  lede: 'A GET handler that reads cached data only is prerendered like a page. Tiercel keeps the whole response: body, status and headers.',
  heading: 'The response',
  steps: [
    'Call the route a few times. The quote stays, the header says HIT.',
    'Invalidate the tag and call again. There is a new quote.',
    'Make it stale and call twice. The header says STALE, then HIT.',
  ],
  code: `async function quote() {
  'use cache'
  cacheLife('hours')
  cacheTag('quote')
  return pickOne()
}

export async function GET() {
  return Response.json(await quote())
}`,
}

export const metadata: Metadata = { title: lesson.title }

export default function RouteHandler() {
  return (
    <Lesson {...lesson}>
      <RouteResponse
        invalidations={[
          {
            label: "updateTag('quote')",
            effect: 'The response is gone. The next call generates it.',
            done: 'The tag was invalidated. Call again.',
            run: expireTag.bind(null, 'quote'),
          },
          {
            label: "revalidateTag('quote', 'max')",
            effect: 'The next call gets the old response, the one after that a new one.',
            done: 'The response is stale. Call twice.',
            run: staleTag.bind(null, 'quote'),
          },
          {
            label: "revalidatePath('/api/quote')",
            effect: 'As with pages: invalidate by the path of the route.',
            done: 'The path was invalidated. Call again.',
            run: refreshQuote,
          },
        ]}
      />
    </Lesson>
  )
}
