import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

const root = path.resolve(import.meta.dirname, '../..')
const examples = path.join(root, 'examples')
const text = (...at) => readFileSync(path.join(examples, ...at), 'utf8')
const json = (...at) => JSON.parse(text(...at))

const NAMES = ['minimal', 'pages-router', 'redis-compose', 'kubernetes']
const APPS = NAMES.filter((name) => name !== 'kubernetes')

/** Whether an app has a route handler for a path. */
const hasRoute = (app, route) => existsSync(path.join(examples, app, 'app', route, 'route.ts'))

describe('the examples', () => {
  it.for(NAMES)('%s says what it shows and how to start it', (name) => {
    expect(text(name, 'README.md')).toMatch(/^# .+\n\n[^#]+```sh\n/)
  })

  it.for(APPS)('%s has the packages that the demo is tested with', (name) => {
    const { tiercel, ...others } = packagesOf(json(name, 'package.json'))
    expect(packagesOf(json('demo', 'package.json'))).toMatchObject(others)
    expect(tiercel).toBe(`^${JSON.parse(readFileSync(path.join(root, 'package.json'))).version}`)
  })

  it.for([
    ['minimal/next.config.ts', 'ts'],
    ['pages-router/next.config.mjs', 'js'],
  ])('%s is that of the README', ([file, language]) => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    const snippet = readme.match(
      new RegExp(`\`\`\`${language}\n// next.config[^\n]+\n([\\s\\S]+?)\`\`\``),
    )?.[1]
    const shown = linesOf(snippet)
    const own = linesOf(text(file))
    expect(own.length).toBeGreaterThan(4)
    const extra = ['cacheComponents: true,', 'partialPrefetching: true,']
    expect(shown).toEqual(expect.arrayContaining(own.filter((line) => !extra.includes(line))))
  })

  it('the readiness route is that of docs/deploy.md', () => {
    const page = readFileSync(path.join(root, 'docs/deploy.md'), 'utf8')
    expect(page).toContain(text('redis-compose/app/api/ready/route.ts'))
  })
})

const packagesOf = ({ dependencies, devDependencies }) => ({ ...dependencies, ...devDependencies })

/** Lines of code, without blanks and comments. */
const linesOf = (code) =>
  code
    .split('\n')
    .map((line) => line.replace(/ *\/\/.*/, '').trim())
    .filter(Boolean)

describe('redis-compose', () => {
  const { services } = parse(text('redis-compose/compose.yaml'))

  it('names only services and files that there are', () => {
    const named = Object.values(services).flatMap((service) =>
      Object.keys(service.depends_on ?? {}),
    )
    expect(Object.keys(services)).toEqual(expect.arrayContaining(named))
    expect(named.length).toBeGreaterThan(0)
    const mounted = Object.values(services).flatMap((service) => service.volumes ?? [])
    for (const volume of mounted) {
      expect(existsSync(path.join(examples, 'redis-compose', volume.split(':')[0]))).toBe(true)
    }
    expect(new URL(services.app.environment.REDIS_URL).hostname in services).toBe(true)
    expect(text('redis-compose/Caddyfile')).toMatch(/name app\b/)
  })

  it('its server is set up for a cache', () => {
    const command = services.redis.command.join(' ')
    expect(command).toMatch(/--maxmemory \d+mb/)
    expect(command).toMatch(/--maxmemory-policy volatile-lru/)
  })

  it('an instance takes traffic once its own route says that it is ready', () => {
    const probe = services.app.healthcheck.test.at(-1)
    const url = new URL(/'(http[^']+)'/.exec(probe)[1])
    expect(hasRoute('redis-compose', url.pathname)).toBe(true)
    expect(url.port).toBe(/PORT=(\d+)/.exec(text('redis-compose/Dockerfile'))[1])
    expect(services.proxy.depends_on.app.condition).toBe('service_healthy')
  })

  it('its image copies what there is, and runs as a numbered user', () => {
    const lines = text('redis-compose/Dockerfile').split('\n')
    const copied = lines.filter((line) => /^COPY (?!--from)/.test(line)).map((l) => l.split(' ')[1])
    expect(copied.length).toBeGreaterThan(0)
    for (const file of copied) {
      expect(existsSync(path.join(examples, 'redis-compose', file)), file).toBe(true)
    }
    expect(lines).toContain('USER 1000')
    expect(text('redis-compose/next.config.ts')).toContain("output: 'standalone'")
  })
})

describe('kubernetes', () => {
  const folder = path.join(examples, 'kubernetes')
  const kustomization = parse(text('kubernetes/kustomization.yaml'))
  const manifests = kustomization.resources.flatMap((file) =>
    parseAllDocuments(text('kubernetes', file)).map((document) => document.toJS()),
  )
  const of = (kind) => manifests.filter((manifest) => manifest.kind === kind)
  const containers = of('Deployment').flatMap(({ spec }) => spec.template.spec.containers)
  const podOf = (selector) =>
    of('Deployment').find(({ spec }) => includes(spec.template.metadata.labels, selector))

  it('every manifest is listed', () => {
    const files = readdirSync(folder).filter((file) => /^(?!kustomization).*\.yaml$/.test(file))
    expect(kustomization.resources.toSorted()).toEqual(files.sort())
    expect(of('Namespace').map(({ metadata }) => metadata.name)).toEqual([kustomization.namespace])
  })

  it('every selector finds pods, and every port is one of theirs', () => {
    for (const { metadata, spec } of of('Deployment')) {
      expect(includes(spec.template.metadata.labels, spec.selector.matchLabels)).toBe(true)
      expect(metadata.name).toBe(spec.selector.matchLabels.app)
    }
    for (const { spec } of of('Service')) {
      const ports = podOf(spec.selector).spec.template.spec.containers.flatMap(({ ports }) => ports)
      for (const port of spec.ports)
        expect(ports.map(({ name }) => name)).toContain(port.targetPort)
    }
    for (const { spec } of of('PodDisruptionBudget')) {
      expect(podOf(spec.selector.matchLabels).spec.replicas).toBeGreaterThan(spec.minAvailable)
    }
  })

  it('probes and mounts name what there is', () => {
    for (const { name, readinessProbe, livenessProbe, ports } of containers) {
      const named = [readinessProbe?.httpGet, livenessProbe?.httpGet, livenessProbe?.tcpSocket]
      for (const probe of named.filter(Boolean)) {
        expect(ports.map((port) => port.name)).toContain(probe.port)
        if (probe.path) expect(hasRoute('redis-compose', probe.path), name).toBe(true)
      }
    }
    for (const { spec } of of('Deployment')) {
      const volumes = spec.template.spec.volumes.map(({ name }) => name)
      const mounts = spec.template.spec.containers.flatMap(({ volumeMounts }) => volumeMounts)
      for (const { name } of mounts) expect(volumes).toContain(name)
    }
  })

  it('no container runs as root or writes into its image', () => {
    expect(containers.length).toBeGreaterThan(1)
    for (const { securityContext } of containers) {
      expect(securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
      })
    }
    for (const { spec } of of('Deployment')) {
      expect(spec.template.spec.securityContext.runAsNonRoot).toBe(true)
    }
  })

  it('the app finds its server, and a rolling deploy takes no instance away first', () => {
    const app = of('Deployment').find(({ metadata }) => metadata.name === 'shop').spec
    expect(app.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    const [{ env, image }] = app.template.spec.containers
    const url = new URL(env.find(({ name }) => name === 'REDIS_URL').value)
    expect(of('Service').map(({ metadata }) => metadata.name)).toContain(url.hostname)
    expect(kustomization.images.map(({ name }) => name)).toContain(image)
  })
})

/** Whether an object has all of another's pairs. */
const includes = (object, pairs) =>
  Object.entries(pairs).every(([name, value]) => object[name] === value)

describe('the workflows', () => {
  const workflow = (name) =>
    parse(readFileSync(path.join(root, '.github/workflows', `${name}.yml`), 'utf8'))

  it('build and try every target that package.json promises', () => {
    const { napi } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    const { jobs } = workflow('release')
    const targetsOf = (...names) =>
      names.flatMap((name) => jobs[name].strategy.matrix.include).map(({ target }) => target)
    expect(targetsOf('build').toSorted()).toEqual(napi.targets.toSorted())
    expect(targetsOf('try', 'try-musl').toSorted()).toEqual(napi.targets.toSorted())
    expect(jobs.publish.needs).toEqual(['try', 'try-musl'])
  })

  it('use the Rust of Cargo.toml', () => {
    const wanted = /^rust-version = "(.+)"$/m.exec(
      readFileSync(path.join(root, 'Cargo.toml'), 'utf8'),
    )[1]
    const steps = ['ci', 'release'].flatMap((name) =>
      Object.values(workflow(name).jobs).flatMap((job) => job.steps),
    )
    const chosen = steps.filter(({ uses }) => uses?.startsWith('dtolnay/rust-toolchain'))
    expect(chosen.map((step) => step.with.toolchain)).toEqual([wanted, wanted])
  })
})

describe('YAML', () => {
  const below = (folder) =>
    readdirSync(path.join(root, folder), { recursive: true }).map((file) => path.join(folder, file))
  const files = ['.github', ...NAMES.map((name) => path.join('examples', name))]
    .flatMap(below)
    .filter((file) => /\.ya?ml$/.test(file) && !file.includes('node_modules'))

  it.for(files)('%s has no error and no warning', (file) => {
    const documents = parseAllDocuments(readFileSync(path.join(root, file), 'utf8'))
    expect(documents.length).toBeGreaterThan(0)
    for (const { errors, warnings } of documents) expect([...errors, ...warnings]).toEqual([])
  })
})
