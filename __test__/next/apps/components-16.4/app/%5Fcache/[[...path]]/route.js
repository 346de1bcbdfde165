import { dashboard } from 'tiercel/dashboard'

export const { GET, POST } = dashboard({ token: 'of the fixture' })
