/** Policy sets, certificates and templates for tests of matching and binding, loaded through the real language. */
import { expect } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import type { FieldName, FieldTable, FieldValue, PolicySet } from '../../src/policy/model.ts'
import type { Problem, Result } from '../../src/problem.ts'

/** A set that must load; a text alone is `plant.yaml` without its first line. */
export function setOf(yaml: string, others: Readonly<Record<string, string>> = {}): PolicySet {
  const { set, problems } = load(yaml, others)
  expect(problems).toEqual([])
  if (set === undefined) throw new Error('the set does not load')
  return set
}

/** The mistakes of a set. */
export function problemsOf(yaml: string): readonly Problem[] {
  return load(yaml, {}).problems
}

function load(yaml: string, others: Readonly<Record<string, string>>): ReturnType<typeof loadPolicySet> {
  const files = Object.entries({ 'plant.yaml': `portcullis: 1\n${yaml}`, ...others })
  return loadPolicySet(files.map(([name, text]) => ({ name, text })))
}

type Given = string | Partial<FieldValue> | readonly (string | Partial<FieldValue>)[]

/** A certificate: `{ 'subject.cn': 'pump-7' }`; a list is a field with several values. */
export function tableOf(fields: Partial<Record<FieldName, Given>>, issuer: string | undefined = 'acme'): FieldTable {
  const value = (given: string | Partial<FieldValue>): FieldValue => ({
    stringType: 'utf8',
    inMultiValuedRdn: false,
    text: '',
    ...(typeof given === 'string' ? { text: given } : given),
  })
  const values = Object.entries(fields).map(([field, given]) => {
    const list = (Array.isArray(given) ? given : [given]) as readonly (string | Partial<FieldValue>)[]
    return [field as FieldName, list.map(value)] as const
  })
  return { issuer, values: new Map(values) }
}

/** The value, or a failed test that says why. */
export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.problem.code}: ${result.problem.sentence}`)
  return result.value
}

/** The problem, or a failed test. */
export function problemOf<T>(result: Result<T>): Problem {
  if (result.ok) throw new Error(`expected a problem, got ${JSON.stringify(result.value)}`)
  return result.problem
}
