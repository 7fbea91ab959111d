/** Writes docs/errors.md. Needs `npm run build` first, as `npm run docs:errors` does. */
import { writeFileSync } from 'node:fs'
import { problemCodes } from '../dist/problem-codes.js'
import { renderErrors } from './render-errors.mjs'

const page = new URL('../docs/errors.md', import.meta.url)
writeFileSync(page, renderErrors(problemCodes))
console.error(`docs/errors.md: ${Object.keys(problemCodes).length} codes`)
