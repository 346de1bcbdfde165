// @ts-check
/**
 * The parts of the binary as a bill of materials, CycloneDX 1.5: `npm run sbom` writes
 * `target/sbom.cdx.json` with cargo-cyclonedx. The package itself has no dependencies.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main, root, run } from '../tools/run.mjs'

const TOOL = 'cargo install cargo-cyclonedx --locked'
/** The tool writes beside Cargo.toml. */
const NAME = 'sbom.cdx'

await main(async () => {
  const args = ['--format', 'json', '--spec-version', '1.5', '--target', 'all', '--no-build-deps']
  await run('cargo', ['cyclonedx', ...args, '--override-filename', NAME, '-q'], {
    quiet: true,
  }).catch((/** @type {Error} */ error) => {
    throw new Error(`${error.message}\nThe tool is installed by: ${TOOL}`)
  })
  const written = join(root, `${NAME}.json`)
  // Not where this machine has it.
  const text = readFileSync(written, 'utf8').replaceAll(
    `path+file://${root.replace(/\/$/, '')}`,
    'path:.',
  )
  const bom = JSON.parse(text)
  rmSync(written)
  const { name, version, description } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  const purl = `pkg:npm/${name}@${version}`
  Object.assign(bom.metadata.component, { name, version, description, purl, type: 'library' })
  mkdirSync(join(root, 'target'), { recursive: true })
  writeFileSync(join(root, 'target', `${NAME}.json`), `${JSON.stringify(bom, null, 2)}\n`)
  console.log(`target/${NAME}.json: ${bom.components.length} components`)
})
