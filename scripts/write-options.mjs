/** Writes the options of `policy test` into docs/policy-language.md. Needs `npm run build` first, as `npm run docs:options` does. */
import { readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { addPolicyTest } from '../dist/tool/policy-test.js'
import { withOptions } from './render-options.mjs'

const page = new URL('../docs/policy-language.md', import.meta.url)
const policy = new Command()
addPolicyTest(policy)
writeFileSync(page, withOptions(readFileSync(page, 'utf8'), policy.commands[0]))
