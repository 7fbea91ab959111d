/** A process of its own that stages all files that a device can have, and never comes to give them their names. */
import { writeSync } from 'node:fs'
import { stageFiles } from '../../dist/provision/staged-files.js'

const [folder] = process.argv.slice(2)
await stageFiles([
  { path: `${folder}/pump-12.key`, content: 'key', mode: 0o600 },
  { path: `${folder}/pump-12.p12.password`, content: 'password', mode: 0o600 },
  { path: `${folder}/pump-12.p12`, content: 'key', mode: 0o600 },
  { path: `${folder}/pump-12.bundle.pem`, content: 'key', mode: 0o600 },
  { path: `${folder}/pump-12.ca.pem`, content: 'pem', mode: 0o644 },
])
writeSync(1, 'staged\n')
setInterval(() => undefined, 1000)
