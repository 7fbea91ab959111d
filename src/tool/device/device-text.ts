/** A device as lines and as JSON: who it is to the gate, and what it may do. */
import type { Entitlement } from '../../provision/entitlement.ts'
import { dayText, shownPath } from '../ca/ca-text.ts'
import { ruleText } from '../explain/rule-text.ts'
import { answer, answerJson } from '../io.ts'
import type { DeviceFiles } from './device-files.ts'
import type { IssuedDevice } from './issue-device.ts'

const mostFilters = 20

/** Rules with the values of this device filled in. */
export function entitlementLines({ identityText, clientIds, rules }: Entitlement): readonly string[] {
  return [
    `identity     ${identityText}`,
    `client id    ${clientIds.join(' or ')}`,
    ...rules.map(({ rule, filters }) => {
      const more = filters.length > mostFilters ? [`… and ${filters.length - mostFilters} more`] : []
      return `  ${ruleText(rule, [...filters.slice(0, mostFilters), ...more])}`
    }),
  ]
}

export function entitlementJson({ identity, clientIds, roles, rules }: Entitlement): Record<string, unknown> {
  return {
    identity: { kind: identity.kind, ...Object.fromEntries(identity.captures) },
    clientIds,
    roles,
    rules: rules.map(({ rule, filters }) => ({
      effect: rule.effect,
      action: rule.action,
      filters,
      role: rule.role,
      ...(rule.maxQos === undefined ? {} : { maxQos: rule.maxQos }),
      ...(rule.retain === undefined ? {} : { retain: rule.retain }),
      ...(rule.maxPayloadBytes === undefined ? {} : { maxPayloadBytes: rule.maxPayloadBytes }),
      ...(rule.share === undefined ? {} : { share: rule.share }),
    })),
  }
}

/** A device that has its files: what the policy makes of it is known where the authority is. */
interface CertifiedDevice extends Pick<IssuedDevice, 'files'> {
  readonly signed: Pick<IssuedDevice['signed'], 'serialHex' | 'notAfter'>
  readonly entitlement?: Entitlement
}

/** The answer of `device issue`, `sign` and `renew`, and of `enroll request`. */
export function answerIssued(issued: CertifiedDevice, asJson: boolean): void {
  if (asJson) answerJson(issuedJson(issued))
  else for (const line of issuedLines(issued)) answer(line)
}

function issuedLines({ signed, files, entitlement }: CertifiedDevice): readonly string[] {
  return [
    `serial       ${signed.serialHex}`,
    `valid until  ${dayText(signed.notAfter)}`,
    ...fileLines(files),
    ...(entitlement === undefined ? [] : entitlementLines(entitlement)),
  ]
}

function issuedJson({ signed, files, entitlement }: CertifiedDevice): unknown {
  return {
    serial: signed.serialHex,
    notAfter: signed.notAfter.toISOString(),
    files: {
      key: files.key,
      certificate: files.certificate,
      ca: files.trusts,
      bundle: files.bundle,
      pkcs12: files.pkcs12,
      pkcs12Password: files.pkcs12Password,
    },
    ...(entitlement === undefined ? {} : entitlementJson(entitlement)),
  }
}

function fileLines(files: DeviceFiles): readonly string[] {
  const rows = [
    ['key', files.key],
    ['certificate', files.certificate],
    ['trusts', files.trusts],
    ['bundle', files.bundle],
    ['pkcs12', files.pkcs12],
    ['password', files.pkcs12Password],
  ] as const
  return rows.flatMap(([what, path]) => (path === undefined ? [] : [`${what.padEnd(11)}  ${shownPath(path)}`]))
}
