// What the code in docs/app takes for granted: the app around it, and packages that are not installed
// for the tests.

declare module 'next/cache'
declare module 'next/headers'
declare module 'next/server' {
  export type NextRequest = Request
  export const NextResponse: any
}
declare module 'pg'
declare module 'react' {
  export function cache<F extends (...args: any[]) => any>(run: F): F
}

declare const db: any
declare const log: any
declare const origin: string
declare const id: string
declare const key: string
declare const other: string
declare const keys: string[]
declare const value: any
declare const fn: () => Promise<object>
declare const tags: string[]
declare const options: object
declare const userId: string
declare const visitorId: string
declare const email: string
declare const request: Request

interface Feed {
  etag: string
  ttl: number
  items: object[]
  authors: string[]
}

declare function collect(options: { signal: AbortSignal }): Promise<string[]>
declare function find(request: Request): Promise<object>
declare function handler(request: Request): Promise<Response>
declare function load(): Promise<object[]>
declare function render(options: { signal: AbortSignal }): Promise<string>
declare function rowsOf(ids: string[]): Promise<object[]>
declare function run(): Promise<void>
declare function sendMail(to: string, text: string): Promise<void>
declare function userOf(request: Request): Promise<string>
