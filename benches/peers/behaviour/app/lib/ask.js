import http from 'node:http'

/** Asks the origin of the run past every cache of fetches: each question is one run of who asks. */
export function ask(key) {
  return new Promise((resolve, reject) => {
    const request = http.get(`${process.env.ORIGIN_URL}/value/${key}`, async (response) => {
      const chunks = await response.toArray().catch(reject)
      if (response.statusCode === 200) resolve(JSON.parse(Buffer.concat(chunks)).n)
      else reject(new Error(`the origin answered ${response.statusCode}`))
    })
    request.on('error', reject)
  })
}
