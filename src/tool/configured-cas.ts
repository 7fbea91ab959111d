/** The `issuers:` section of the configuration: whose certificates count, and what each issuer may say. */
import type { IssuerConfig, IssuersConfig } from '../accept/load-issuers.ts'
import type { Mistakes, Section } from './configuration-reader.ts'

export function readIssuers(section: Section | undefined, mistakes: Mistakes): IssuersConfig {
  if (section === undefined) return {}
  if (section.keys.length === 0)
    mistakes.add('config/missing-key', '`issuers` names no issuer', section.where, 'name the CA of your devices')
  const issuers = section.keys.flatMap(name => {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
      mistakes.add(
        'config/bad-value',
        `\`${name}\` cannot be the name of an issuer`,
        section.whereOf(name),
        'begin with a letter; letters, digits, - and _ may follow',
      )
    }
    const issuer = readIssuer(section.section(name))
    return issuer === undefined ? [] : [[name, issuer] as const]
  })
  return Object.fromEntries(issuers)
}

function readIssuer(section: Section | undefined): IssuerConfig | undefined {
  if (section === undefined) return undefined
  section.allow('certificates', 'root', 'crl', 'only')
  section.require('certificates', 'list the CAs that issue your devices: certificates: [issuing.pem]')
  section.require('root', 'name the self-signed certificate at the end of the chain: root: root.pem')
  const [certificates, root, crl] = [section.texts('certificates'), section.text('root'), section.texts('crl')]
  const only = readOnly(section.section('only'))
  if (certificates === undefined || root === undefined) return undefined
  return { certificates, root, ...(crl === undefined ? {} : { crl }), ...(only === undefined ? {} : { only }) }
}

function readOnly(section: Section | undefined): Readonly<Record<string, readonly string[]>> | undefined {
  if (section === undefined) return undefined
  return Object.fromEntries(section.keys.map(capture => [capture, section.texts(capture) ?? []]))
}
