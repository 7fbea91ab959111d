// aedes' own suite for persistences, on the durable store. Run by `node --test`; durable-store.test.ts does.
import { mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '../../../../dist/enforce/aedes/store/open-store.js'

const require = createRequire(import.meta.url)
const suite = require('aedes-persistence/abstract')
// the suite calls with callbacks; aedes itself does not
const { CallBackPersistence } = require('aedes-persistence/callBackPersistence.js')
const folder = mkdtempSync(join(process.env.SUITE_FOLDER ?? tmpdir(), 'suite-'))
let count = 0

suite({
  test,
  persistence: async () => {
    const { persistence } = await openStore(join(folder, String(count++)))
    return new CallBackPersistence(() => persistence)
  },
})
