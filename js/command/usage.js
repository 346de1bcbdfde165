// @ts-check

/** What `tiercel --help` shows. */
const GENERAL = `tiercel: a cache engine for self-hosted Next.js

  tiercel init        makes it the cache of an app: shows the change, then asks
  tiercel migrate     the same for an app that has another cache handler
  tiercel warm        fills the caches of a running server before its traffic arrives
  tiercel --version

More: tiercel init --help, tiercel migrate --help, tiercel warm --help`

/** What `tiercel warm --help` shows. */
const WARM = `Fills the caches of a running Next.js server before its traffic arrives.

  tiercel warm [flags]            asks for every page that the build prerendered
  tiercel warm [flags] /a /b ...  asks for these paths
  tiercel warm [flags] -          asks for the paths on standard input

What to ask for
  --dir <folder>         the build; with paths too, both                 [.next]
  --file <file>          paths, one a line; # begins a comment; - is standard
                         input; may be repeated

Whom to ask
  --base <url>           where the server listens        [http://127.0.0.1:3000]
  --base-path <path>     basePath of the app    [that of --base, else the build]
  --header <name:value>  sent with every request; may be repeated
  --wait <seconds>       waits so long for a server that is not up yet       [0]

How
  --concurrency <count>  requests in parallel, 1 to 256                      [6]
  --timeout <seconds>    how long one request may take                      [30]

What to show
  --quiet                nothing; the exit code tells
  --json                 the figures as JSON, on standard output
  -h, --help             this

A path failed if it has no whole answer in time, or a status of 400 or more that
its page does not have in the build. Redirects are answers and are not followed.

Exit code
  0  no path failed               130  ended by Ctrl-C, after the figures so far
  1  some did, or no server       143  the same by SIGTERM
  2  not called like this

Examples
  tiercel warm --wait 60
  tiercel warm --base https://10.0.0.7 --header host:shop.example
  tiercel warm --file most-visited.txt --json > warmed.json
  psql -Atc "select path from pages" | tiercel warm -`

/** The flags of both commands. */
const SETUP_FLAGS = `  --dir <folder>  the app                                                      [.]
  --dry-run       shows what would change, and changes nothing
  -y, --yes       changes it without asking
  -h, --help      this

Exit code
  0  done, or nothing to do    1  left as it was    2  not called like this`

/** What `tiercel init --help` shows. */
const INIT = `Makes Tiercel the cache of a Next.js app: wraps what next.config exports in
withTiercel. A file that is written in an unusual way stays as it is, and what
to write by hand is shown.

${SETUP_FLAGS}`

/** What `tiercel migrate --help` shows. */
const MIGRATE = `Moves a Next.js app from another cache handler to Tiercel: takes the old one
out of next.config, wraps the rest in withTiercel with the options that mean the
same, and says what has no equivalent. The file of the old handler stays.

It knows @neshca/cache-handler, @fortedigital/nextjs-cache-handler,
@trieb.work/nextjs-turbo-redis-cache, @leejpsd/nextjs-cache-handler,
@mrjasonroy/cache-components-cache-handler, and handlers of an app's own on
redis or ioredis, such as the example of Next.js.

${SETUP_FLAGS}`

module.exports = { GENERAL, WARM, INIT, MIGRATE }
