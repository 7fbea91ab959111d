// Prints, from vitest's JSON report, one line per limit and the tests of every rule in docs/semantics.md; exits with
// 1 where a limit or a rule has none, or a failing one.
// Usage: node scripts/conformance-tables.mjs REPORT.json
import { readFile } from 'node:fs/promises'
import { limitNames, limitTable } from '../dist/accept/limits.js'

const [reportFile] = process.argv.slice(2)
const report = JSON.parse(await readFile(reportFile, 'utf8'))
const tests = report.testResults.flatMap(file => file.assertionResults)
const passed = tests.filter(test => test.status === 'passed')
let gaps = 0

const limitsOf = title => [...title.matchAll(/\blimit (\w+)/g)].map(match => match[1])
const rulesOf = title => [...title.matchAll(/\((\d+\.\d+(?:, \d+\.\d+)*)\)/g)].flatMap(match => match[1].split(', '))

console.log('limits: n passes, n + 1 is refused')
for (const name of limitNames) {
  const { default: number, unit, code } = limitTable[name]
  const own = passed.filter(test => limitsOf(test.fullName).includes(name))
  if (own.length === 0) gaps++
  const told = own.length === 0 ? 'NO TEST' : `${own.length} passed`
  console.log(`  ${name.padEnd(27)} ${`${number} ${unit}`.padEnd(22)} ${code.padEnd(34)} ${told}`)
}

console.log('\nrules of docs/semantics.md')
const semantics = await readFile(new URL('../docs/semantics.md', import.meta.url), 'utf8')
const rules = [...semantics.matchAll(/^\*\*(\d+\.\d+) ([^*[]+?)[.,:]?\s*(?:\*\*|\[)/gm)].map(match => ({
  number: match[1],
  name: match[2],
}))
for (const { number, name } of rules) {
  const own = passed.filter(test => rulesOf(test.fullName).includes(number))
  const failing = tests.filter(test => test.status === 'failed' && rulesOf(test.fullName).includes(number))
  if (own.length === 0 || failing.length > 0) gaps++
  const example = own[0] === undefined ? '' : `such as: ${own[0].title}`
  console.log(
    `  ${number.padEnd(5)} ${name.slice(0, 34).padEnd(35)} ${String(own.length).padStart(3)} tests  ${example}`,
  )
  for (const test of failing) console.log(`        FAILED: ${test.title}`)
}
if (rules.length === 0) gaps++
console.log(gaps === 0 ? 'no gap' : `${gaps} gaps`)
process.exitCode = gaps === 0 ? 0 : 1
