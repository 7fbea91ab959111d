/** Cross checks of identities: roles, issuers and captures that they name must exist, and names must mean one thing. Pure. */
import type { Drafts } from './drafts.ts'
import { didYouMean } from './nearest-name.ts'
import type { Text } from './node.ts'
import type { IdentityDraft } from './read-identities.ts'
import type { Report } from './report.ts'
import { everyone } from './rights-holder.ts'

/** `issuers` are the configured names; undefined where there is no configuration. */
export function checkIdentities(drafts: Drafts, issuers: readonly string[] | undefined, report: Report): void {
  for (const identity of drafts.identities.values()) {
    checkIssuer(identity, issuers, report)
    for (const role of [...identity.roles, ...identity.mayAlsoHave]) checkRole(role, drafts, report)
    checkUnique(identity, report)
    checkNeverTogether(identity, report)
    checkNames(identity, drafts, report)
  }
}

function checkIssuer({ issuer, rule }: IdentityDraft, issuers: readonly string[] | undefined, report: Report): void {
  if (issuers === undefined) return
  if (issuer !== undefined) checkIssuerName(issuer, issuers, report)
  else if (issuers.length > 1)
    report.add(
      'policy/issuer-required',
      `the identity \`${rule.name}\` names no issuer, and ${issuers.length} are configured`,
      rule.where,
      `write \`issuer:\`, one of ${issuers.join(', ')}`,
    )
}

/** An issuer that a policy or a test names must be configured. */
export function checkIssuerName(issuer: Text, issuers: readonly string[] | undefined, report: Report): void {
  if (issuers === undefined || issuers.includes(issuer.text)) return
  report.add(
    'policy/unknown-issuer',
    `the issuer \`${issuer.text}\` is not configured`,
    issuer.where,
    didYouMean(issuer.text, issuers, 'configured issuers'),
  )
}

function checkRole(role: Text, { roles }: Drafts, report: Report): void {
  if (role.text === everyone) {
    report.add(
      'policy/reserved-name',
      'the role `everyone` applies to every identity',
      role.where,
      'take it out of the list',
    )
  } else if (!roles.has(role.text) && !report.isUnread('roles')) {
    report.add(
      'policy/unknown-role',
      `there is no role \`${role.text}\``,
      role.where,
      didYouMean(
        role.text,
        roles.keys().filter(name => name !== everyone),
        'roles',
      ),
    )
  }
}

function checkUnique({ rule, unique, variablesKnown }: IdentityDraft, report: Report): void {
  if (!variablesKnown) return
  for (const capture of unique) {
    if (rule.captures.includes(capture.text)) continue
    report.add(
      'policy/unknown-variable',
      `\`${rule.name}\` captures no \`${capture.text}\``,
      capture.where,
      didYouMean(capture.text, rule.captures, 'captures'),
    )
  }
}

function checkNeverTogether({ rule, neverTogether }: IdentityDraft, report: Report): void {
  const held = [...rule.roles, ...rule.mayAlsoHave]
  for (const group of neverTogether) {
    for (const role of group) {
      if (!held.includes(role.text))
        report.add(
          'policy/unknown-role',
          `\`${rule.name}\` can never have the role \`${role.text}\``,
          role.where,
          didYouMean(role.text, held, 'its roles'),
        )
    }
    const own = group.filter(role => rule.roles.includes(role.text))
    if (own[1] !== undefined)
      report.add(
        'policy/never-together',
        `every \`${rule.name}\` has both \`${own[0]?.text}\` and \`${own[1].text}\``,
        own[1].where,
        'take one of them out of `roles:`',
      )
  }
}

/** A variable has one meaning for one identity: a constant must not hide a capture, nor the other way round. */
function checkNames({ rule }: IdentityDraft, { constants }: Drafts, report: Report): void {
  const clash = (name: string, kinds: string) =>
    report.add(
      'policy/name-clash',
      `\`${name}\` of the identity \`${rule.name}\` is both ${kinds}`,
      rule.where,
      'rename one of the two',
    )
  for (const capture of rule.captures) {
    if (rule.set.has(capture)) clash(capture, 'a capture and in `set:`')
    if (constants.has(capture)) clash(capture, 'a capture and a constant')
  }
  for (const name of rule.set.keys()) if (constants.has(name)) clash(name, 'in `set:` and a constant')
}
