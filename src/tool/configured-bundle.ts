/** `policies:` of the configuration: a signed bundle, its key, and where the highest version is remembered. */
import { resolve } from 'node:path'
import type { BundleFiles } from '../source/bundle.ts'
import type { Section } from './configuration-reader.ts'

/** Absolute names; undefined where there is no such section, or a mistake was told. */
export function readBundleFiles(section: Section | undefined, baseFolder: string): BundleFiles | undefined {
  if (section === undefined) return undefined
  section.allow('bundle', 'key', 'state')
  section.require('bundle', 'name the file that `portcullis policy bundle` wrote; a folder is named with --policies')
  section.require('key', 'name the public key that it must be signed with, PEM')
  section.require('state', 'name a file where the highest version seen is remembered; it is made on first start')
  const [bundle, key, state] = [section.text('bundle'), section.text('key'), section.text('state')]
  if (bundle === undefined || key === undefined || state === undefined) return undefined
  return { bundle: resolve(baseFolder, bundle), key: resolve(baseFolder, key), state: resolve(baseFolder, state) }
}
