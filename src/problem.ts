/**
 * Problem: the one shape in which anything that went wrong, or was refused, is told.
 *
 * A leaf: imports nothing but the registry of codes, so that every stage, even `policy/`, may use it.
 */
import type { problemCodes } from './problem-codes.ts'

/** A stable code; `docs/errors.md` lists each with its meaning. */
export type ProblemCode = keyof typeof problemCodes

/** A place in a file that a person wrote. Lines and columns count from 1. */
export interface Where {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** Something that went wrong or was refused: code, one plain lower-case sentence, where, and what to do next. */
export interface Problem {
  readonly code: ProblemCode
  readonly sentence: string
  readonly where?: Where
  readonly help?: string
}

/**
 * Makes a Problem.
 * @example problem('policy/unknown-key', 'unknown key `subscrbe`', { where, help: 'did you mean `subscribe`?' })
 */
export function problem(
  code: ProblemCode,
  sentence: string,
  extra: { readonly where?: Where | undefined; readonly help?: string | undefined } = {},
): Problem {
  return {
    code,
    sentence,
    ...(extra.where === undefined ? {} : { where: extra.where }),
    ...(extra.help === undefined ? {} : { help: extra.help }),
  }
}

/** `file:line:column`, as far as known. */
export function formatWhere(where: Where): string {
  return [where.file, where.line, where.column].filter(part => part !== undefined).join(':')
}

/** `policies/plant.yaml:12:7: policy/unknown-key: unknown key …`, and a `help:` line below where there is one. */
export function formatProblem(p: Problem): string {
  const place = p.where === undefined ? '' : `${formatWhere(p.where)}: `
  const help = p.help === undefined ? '' : `\n  help: ${p.help}`
  return `${place}${p.code}: ${p.sentence}${help}`
}

/** Thrown where a policy set, certificate or configuration cannot be used at all; carries every problem found. */
export class PortcullisError extends Error {
  override readonly name: string = 'PortcullisError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** A policy set that does not load: every mistake of the set, in file order. */
export class PolicyError extends PortcullisError {
  override readonly name: string = 'PolicyError'
}

/** A configuration (issuers, CRLs, TLS files, listen address) that cannot be used. */
export class ConfigurationError extends PortcullisError {
  override readonly name: string = 'ConfigurationError'
}

/** Expected failure as a value: `throw` is for programming and I/O errors. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

/** A successful Result. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

/** A failed Result. */
export function fail(p: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: p }
}
