// What a workflow does with `@actions/artifact`, and what came of it, as JSON on standard output's last line.
// Arguments: the folder that the package is installed in, and how many files to upload.
import {createHash} from 'node:crypto'
import {createRequire} from 'node:module'
import * as fs from 'node:fs'
import * as path from 'node:path'
import {pathToFileURL} from 'node:url'

const [home, count] = process.argv.slice(2)
const manifest = JSON.parse(fs.readFileSync(path.join(home, 'node_modules/@actions/artifact/package.json'), 'utf8'))
const entry = path.join(home, 'node_modules/@actions/artifact', manifest.main)
// Earlier versions are CommonJS.
const module = manifest.type === 'module' ? await import(pathToFileURL(entry)) : createRequire(entry)(entry)
const client = module.default?.default ?? module.default
const {raw} = {raw: manifest.version.startsWith('6')}

const root = fs.mkdtempSync(path.join(process.env.RUNNER_TEMP, 'up-'))
const files = []
const digests = {}
const write = (name, bytes) => {
  const file = path.join(root, name)
  fs.mkdirSync(path.dirname(file), {recursive: true})
  fs.writeFileSync(file, bytes)
  files.push(file)
  digests[name] = createHash('sha256').update(bytes).digest('hex')
}
// Of more than one block of 8 MiB, and not to be compressed.
let seed = createHash('sha256').update('seed').digest()
const chunks = []
for (let at = 0; at < 20 * 1024 * 1024; at += seed.length) {
  chunks.push(seed)
  seed = createHash('sha256').update(seed).digest()
}
write('large', Buffer.concat(chunks))
write('empty', '')
for (let number = 0; number < Number(count); number++) write(`d${number % 100}/f${number}`, `file ${number}\n`)

const attempt = async what => what().then(() => 'no error', err => `${err.name}: ${err.message}`)
const tree = folder => Object.fromEntries(fs.readdirSync(folder, {recursive: true, withFileTypes: true})
  .filter(it => it.isFile())
  .map(it => path.join(it.parentPath ?? it.path, it.name))
  .map(it => [path.relative(folder, it), createHash('sha256').update(fs.readFileSync(it)).digest('hex')]))
const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())

const started = Date.now()
const uploaded = await client.uploadArtifact('site', files, root, {retentionDays: 2})
const uploadMs = Date.now() - started
const other = await client.uploadArtifact('other', [files[1]], root, {compressionLevel: 0})
const duplicate = await attempt(() => client.uploadArtifact('site', files, root))
const listed = (await client.listArtifacts({latest: true})).artifacts
const found = (await client.getArtifact('site')).artifact
const missing = await attempt(() => client.getArtifact('nothing'))
const target = fs.mkdtempSync(path.join(process.env.RUNNER_TEMP, 'down-'))
const from = Date.now()
const downloaded = await client.downloadArtifact(found.id, {path: target, expectedHash: found.digest})
const downloadMs = Date.now() - from
const wrong = await client.downloadArtifact(other.id, {path: fs.mkdtempSync(path.join(process.env.RUNNER_TEMP, 'x-')), expectedHash: 'sha256:0'})
const nobody = await attempt(() => client.downloadArtifact(1, {path: target}))
let asItIs = null
if (raw) {
  const whole = fs.mkdtempSync(path.join(process.env.RUNNER_TEMP, 'raw-'))
  const {id} = await client.uploadArtifact('ignored', [files[2]], root, {skipArchive: true})
  await client.downloadArtifact(id, {path: whole})
  asItIs = tree(whole)
}
const deleted = await client.deleteArtifact('other')
const gone = await attempt(() => client.getArtifact('other'))
const again = await client.uploadArtifact('other', [files[1]], root)
console.log(JSON.stringify({
  version: manifest.version,
  uploaded: {idIsNumber: Number.isSafeInteger(uploaded.id), size: uploaded.size, digest: uploaded.digest},
  found: {sameId: found.id === uploaded.id, size: found.size, digest: found.digest, dated: found.createdAt instanceof Date},
  listed: listed.map(it => it.name).sort(),
  duplicate, missing, nobody, gone,
  files: Object.keys(digests).length,
  same: same(tree(target), digests),
  mismatch: [downloaded.digestMismatch ?? null, wrong.digestMismatch ?? null],
  asItIs: asItIs && Object.keys(asItIs).length === 1 && Object.values(asItIs)[0] === digests['d0/f0'],
  deletedSameId: deleted.id === other.id,
  newerId: again.id > other.id,
  uploadMs, downloadMs,
}))
