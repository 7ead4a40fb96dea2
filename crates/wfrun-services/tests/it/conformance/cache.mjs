// What a job does with `@actions/cache` and the folder `data` of its workspace, and what came of it, as JSON on standard output's
// last line. Arguments: the folder that the package is installed in, then `save KEY MEGABYTES` or `restore KEY PREFIX`.
import {createCipheriv, createHash} from 'node:crypto'
import {createRequire} from 'node:module'
import * as fs from 'node:fs'
import * as path from 'node:path'
import {pathToFileURL} from 'node:url'

const [home, what, key, more] = process.argv.slice(2)
const manifest = JSON.parse(fs.readFileSync(path.join(home, 'node_modules/@actions/cache/package.json'), 'utf8'))
const entry = path.join(home, 'node_modules/@actions/cache', manifest.main)
// Earlier versions are CommonJS.
const client = manifest.type === 'module' ? await import(pathToFileURL(entry)) : createRequire(entry)(entry)

const MEGABYTE = 1024 * 1024
const FILES = 32

// Not to be compressed, and of other bytes for each key and name.
const write = (name, megabytes) => {
  const seed = createHash('sha256').update(`${key} ${name}`).digest()
  const cipher = createCipheriv('aes-128-ctr', seed.subarray(0, 16), seed.subarray(16))
  const file = fs.openSync(path.join('data', name), 'w')
  for (let at = 0; at < megabytes; at++) fs.writeSync(file, cipher.update(Buffer.alloc(MEGABYTE)))
  fs.closeSync(file)
}
// Read as a stream: such a file is more than one buffer can have.
const digest = async file => {
  const hash = createHash('sha256')
  for await (const chunk of fs.createReadStream(file, {highWaterMark: MEGABYTE})) hash.update(chunk)
  return hash.digest('hex')
}
const sums = async () => {
  const all = {}
  for (const name of fs.existsSync('data') ? fs.readdirSync('data').sort() : []) all[name] = await digest(path.join('data', name))
  return all
}

if (what === 'save') {
  fs.mkdirSync('data')
  // Half of it is one file.
  write('large', more / 2)
  for (let number = 0; number < FILES; number++) write(`small-${number}`, more / 2 / FILES)
}
const from = Date.now()
const got = what === 'save' ? await client.saveCache(['data'], key) : await client.restoreCache(['data'], key, [more])
const ms = Date.now() - from
console.log(JSON.stringify({version: manifest.version, got: got ?? null, ms, sums: await sums()}))
