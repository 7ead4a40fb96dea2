// What an action does with GitHub's own clients and the folder `data` of the workspace. How long each call took, or why it failed,
// is a line of its own; what comes back is compared with what was given.
import {createHash} from 'node:crypto'
import {createRequire} from 'node:module'
import * as fs from 'node:fs'
import * as path from 'node:path'
import {pathToFileURL} from 'node:url'

const load = async name => {
  const folder = path.join(process.env.INPUT_PACKAGES, 'node_modules', name)
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const entry = path.join(folder, manifest.main)
  // Earlier versions are CommonJS.
  const module = manifest.type === 'module' ? await import(pathToFileURL(entry)) : createRequire(entry)(entry)
  return module.default?.default ?? module.default ?? module
}
const sums = async folder => {
  const all = []
  for (const name of fs.readdirSync(folder).sort()) {
    const hash = createHash('sha256')
    for await (const chunk of fs.createReadStream(path.join(folder, name), {highWaterMark: 1 << 20})) hash.update(chunk)
    all.push(`${name} ${hash.digest('hex')}`)
  }
  return all.join('\n')
}
const call = async (name, what, same = async () => true) => {
  try {
    const from = performance.now()
    const got = await what()
    const took = Math.round(performance.now() - from)
    // The client of the cache warns where another would fail.
    const failed = got === undefined || got === -1 ? 'nothing came of it' : await same() ? '' : 'other content came back'
    console.log(failed ? `client-failed ${name} ${failed}` : `client-took ${name} ${took}`)
    return got
  } catch (err) {
    console.log(`client-failed ${name} ${(err.message || err.name).split('\n')[0]}`)
  }
}

if (process.env.INPUT_PROTOCOL === 'first') delete process.env.ACTIONS_CACHE_SERVICE_V2
console.log(`client-protocol ${process.env.ACTIONS_CACHE_SERVICE_V2 ? 'second' : 'first'}`)
const cache = await load('@actions/cache')
const artifact = await load('@actions/artifact')
const given = await sums('data')

await call('save', () => cache.saveCache(['data'], 'data'))
fs.renameSync('data', 'given')
await call('restore', () => cache.restoreCache(['data'], 'data'), async () => await sums('data') === given)
const files = fs.readdirSync('given').map(name => path.join('given', name))
const uploaded = await call('upload', () => artifact.uploadArtifact('data', files, 'given', {compressionLevel: 0}))
if (uploaded) {
  await call('download', () => artifact.downloadArtifact(uploaded.id, {path: 'down'}), async () => await sums('down') === given)
}
