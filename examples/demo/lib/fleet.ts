/**
 * This process among others. `npm run demo:fleet` says so by environment: which instance this is,
 * counted from 1, and the addresses of all. Alone there are none.
 */
export function fleet() {
  const addresses = (process.env.DEMO_FLEET ?? '').split(' ').filter(Boolean)
  return { instance: Number(process.env.DEMO_INSTANCE ?? 1), addresses }
}

/** Which instance of how many, for the header that `proxy.ts` sets. Empty when there is one only. */
export function place() {
  const { instance, addresses } = fleet()
  return addresses.length > 1 ? `${instance} of ${addresses.length}` : ''
}
