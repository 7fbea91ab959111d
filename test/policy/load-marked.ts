/** Texts of policy files that carry their own expectation: `¦` marks the place that the loader must point at. */
import { expect } from 'vitest'
import { type LoadOptions, loadPolicySet } from '../../src/policy/load.ts'
import { formatProblem, type ProblemCode } from '../../src/problem.ts'

export interface Mistake {
  readonly title: string
  /** Files by name; a text alone is `plant.yaml`. One `¦` marks the place. */
  readonly files: string | Readonly<Record<string, string>>
  readonly code: ProblemCode
  /** What the help line says. */
  readonly help: string | RegExp
  readonly options?: LoadOptions
}

interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Takes the mark out of the files. */
function unmark(files: Mistake['files']): { files: { name: string; text: string }[]; place: Place | undefined } {
  let place: Place | undefined
  const given = typeof files === 'string' ? { 'plant.yaml': files } : files
  const plain = Object.entries(given).map(([name, marked]) => {
    const before = marked.split('¦')[0] ?? ''
    if (before !== marked) {
      const lines = before.replace('\uFEFF', '').split('\n')
      place = { file: `policies/${name}`, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
    }
    return { name, text: marked.replace('¦', '') }
  })
  return { files: plain, place }
}

/** The set has exactly this mistake, at this place, with this help. */
export function expectMistake({ files: marked, code, help, options }: Mistake): void {
  const { files, place } = unmark(marked)
  const { set, problems } = loadPolicySet(files, { folder: 'policies', ...options })
  expect(problems.map(formatProblem)).toHaveLength(1)
  const [found] = problems
  expect(found?.code).toBe(code)
  if (place !== undefined) {
    const column = found?.where?.column === undefined ? undefined : place.column
    expect(found?.where).toEqual(column === undefined ? { file: place.file, line: place.line } : place)
  }
  expect(found?.help).toMatch(help)
  expect(found?.sentence).toMatch(/^[^A-Z]/)
  expect(set).toBeUndefined()
}

const indent = (text: string, by: number): string => text.replace(/^(?=.)/gm, ' '.repeat(by))

/** A small set that loads, with these rules of its only role. */
export function withRules(rules: string): string {
  return `portcullis: 1
identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    unique: [device]
    clientId: "\${device}"
    roles: [sensor]
roles:
  sensor:
${indent(rules, 4)}
`
}

const goodRules = 'allow:\n  - publish: plant/${site}/${device}/#'

/** The small set and more top-level text. */
export function withTop(text: string): string {
  return `${withRules(goodRules)}${text}\n`
}

/** The small set with another identity beside `device`. */
export function withIdentity(lines: string): string {
  return withTop('').replace('roles:\n  sensor:', `  tool:\n${indent(lines, 4)}\nroles:\n  sensor:`)
}

/** The small set, whose devices may also be gateways, with this members section. */
export function withMembers(members: string): string {
  return withTop(`  gateway:
    allow:
      - publish: plant/\${site}/\${children}/state
members:
${indent(members, 2)}`).replace('    roles: [sensor]', '    roles: [sensor]\n    mayAlsoHave: [gateway]')
}
