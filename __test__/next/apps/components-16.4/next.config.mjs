import { withTiercel } from 'tiercel/config'
import { fixtureConfig } from './fixture-config.mjs'

/** As the README has it, and as a function; the other fixtures spell out what this sets. */
const config = async () => {
  const { cacheHandler, ...config } = fixtureConfig(import.meta.url, () => ({}))
  return { ...config, cacheComponents: true }
}

const isOurs = process.env.FIXTURE_HANDLER !== 'builtin'

export default isOurs ? withTiercel(config, { memoryMb: 48 }) : config
