/** Cross checks of policy tests: the identity and the issuer that a test names must exist. Pure. */
import { checkIssuerName } from './check-identities.ts'
import type { Drafts } from './drafts.ts'
import { didYouMean } from './nearest-name.ts'
import { safeText } from './read-constants.ts'
import type { TestDraft } from './read-tests.ts'
import type { Report } from './report.ts'

export function checkTests(drafts: Drafts, issuers: readonly string[] | undefined, report: Report): void {
  for (const test of drafts.tests) {
    if (test.issuer !== undefined) checkIssuerName(test.issuer, issuers, report)
    if (test.short !== undefined) checkShortForm(test.short, drafts, report)
  }
}

function checkShortForm({ identity, captures }: NonNullable<TestDraft['short']>, drafts: Drafts, report: Report): void {
  if (!drafts.identities.has(identity.text)) {
    if (!report.isUnread('identities'))
      report.add(
        'policy/unknown-identity',
        `there is no identity \`${identity.text}\``,
        identity.where,
        didYouMean(identity.text, drafts.identities.keys(), 'identities'),
      )
    return
  }
  const draft = drafts.identities.get(identity.text)
  if (draft === undefined || !draft.variablesKnown) return
  const wanted = draft.rule.captures
  for (const [name, value] of captures) {
    if (wanted.includes(name)) safeText(value, drafts.settings.alphabet, report)
    else
      report.add(
        'policy/unknown-variable',
        `\`${identity.text}\` captures no \`${name}\``,
        value.where,
        didYouMean(name, wanted, 'captures'),
      )
  }
  const missing = wanted.filter(name => !captures.has(name))
  if (missing.length > 0)
    report.add(
      'policy/missing-key',
      `the test does not say which ${missing.map(name => `\`${name}\``).join(', ')} it means`,
      identity.where,
      `captures of \`${identity.text}\`: ${wanted.join(', ')}`,
    )
}
