/** Where `serve` has its policies from: a folder, or a signed bundle that the command line or the configuration names. */
import { relative, resolve } from 'node:path'
import { ConfigurationError, problem } from '../problem.ts'
import type { BundleFiles } from '../source/bundle.ts'
import { isoTime } from '../source/bundle-content.ts'
import type { LoadedPolicy } from '../source/load-texts.ts'

export interface PolicyOptions {
  readonly policies?: string
  readonly bundle?: string
  readonly bundleKey?: string
  readonly bundleState?: string
}

export const defaultPolicies = 'policies'

/** The folder or the bundle's files, absolute. Throws ConfigurationError where both are named, or a bundle only in part. */
export function policiesOf(options: PolicyOptions, configured: BundleFiles | undefined): string | BundleFiles {
  const path = (text: string | undefined): string | undefined => (text === undefined ? undefined : resolve(text))
  const bundle = path(options.bundle) ?? configured?.bundle
  const key = path(options.bundleKey) ?? configured?.key
  const state = path(options.bundleState) ?? configured?.state
  if (bundle === undefined && key === undefined && state === undefined) return options.policies ?? defaultPolicies
  if (options.policies !== undefined) {
    // a folder is not signed: it must not take the place of a bundle unseen
    const help = 'take out --policies, or the bundle'
    throw new ConfigurationError([
      problem('config/bad-value', 'policies are named twice: a folder and a bundle', { help }),
    ])
  }
  if (bundle !== undefined && key !== undefined && state !== undefined) return { bundle, key, state }
  const missing = bundle === undefined ? '--bundle' : key === undefined ? '--bundle-key' : '--bundle-state'
  throw new ConfigurationError([
    problem('config/missing-key', `a signed bundle needs ${missing} too`, {
      help: '--bundle FILE --bundle-key PUBLIC.pem --bundle-state FILE, or `policies: { bundle, key, state }` in the configuration',
    }),
  ])
}

/** What `serve` says of the set that it starts with. */
export function policyLine(
  policies: string | BundleFiles,
  { set, rules, tests, revision, bundle }: LoadedPolicy,
): string {
  const facts = `${set.files.length} files, ${rules} rules, ${tests} tests passed, revision ${revision}`
  if (typeof policies === 'string') return `policy   ${shown(policies)}/, ${facts}: edit and save, it reloads`
  const end = bundle?.expiresAt === undefined ? '' : `, until ${isoTime(bundle.expiresAt)}`
  return `policy   ${shown(policies.bundle)}, version ${bundle?.version}${end}, ${facts}: a newer bundle is taken when it is there`
}

function shown(path: string): string {
  return relative(process.cwd(), resolve(path)) || '.'
}
