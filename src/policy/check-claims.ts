/** Cross checks of claims: identities, roles and captures that a claim names must exist. Pure. */

import type { Drafts } from './drafts.ts'
import type { PeopleClass } from './model.ts'
import { didYouMean } from './nearest-name.ts'
import type { Text } from './node.ts'
import type { ClaimDraft } from './read-claims.ts'
import type { Report } from './report.ts'

export function checkClaims(drafts: Drafts, report: Report): void {
  for (const draft of drafts.claims) {
    for (const identity of draft.identities)
      if (!report.isUnread('identities')) known(identity, 'identity', drafts.identities.keys(), report)
    for (const role of draft.roles) if (!report.isUnread('roles')) known(role, 'role', drafts.roles.keys(), report)
    checkCaptures(draft, drafts, report)
  }
}

function known(given: Text, kind: 'identity' | 'role', names: readonly string[], report: Report): void {
  if (names.includes(given.text)) return
  const plural = kind === 'identity' ? 'identities' : 'roles'
  report.add(
    `policy/unknown-${kind}`,
    `there is no ${kind} \`${given.text}\``,
    given.where,
    didYouMean(given.text, names, plural),
  )
}

/** Variables of a filter, and `by`, are captures of everybody whom the claim is about. */
function checkCaptures({ claim, captures }: ClaimDraft, drafts: Drafts, report: Report): void {
  if (claim.kind === 'noFlow') return
  for (const rule of peopleOf(claim.people, drafts)) {
    for (const capture of captures) {
      if (rule.captures.includes(capture.text)) continue
      report.add(
        'policy/unknown-variable',
        `\`${rule.name}\` captures no \`${capture.text}\``,
        capture.where,
        didYouMean(capture.text, rule.captures, 'captures'),
      )
    }
  }
}

function peopleOf({ identity, roles }: PeopleClass, { identities }: Drafts) {
  return identities
    .values()
    .filter(draft => draft.variablesKnown)
    .map(draft => draft.rule)
    .filter(rule => identity === undefined || rule.name === identity)
    .filter(rule => roles === undefined || roles.some(role => [...rule.roles, ...rule.mayAlsoHave].includes(role)))
}
