import { shared } from '../../../lib/shared.js'

export const dynamic = 'force-dynamic'

/** Rendered per request, of data that the build has read too. */
export const GET = async () => Response.json(await shared())
