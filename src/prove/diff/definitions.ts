/** What two sets say differently of whose certificates an identity means, its client ids and its limits. Pure. */
import type { FieldConditions, IdentityRule, PolicySet } from '../../policy/model.ts'
import { definitionOf, type IdentityPair } from './subjects.ts'

/** A change that no topic shows; `both` where it cannot be told whether somebody gains. */
export interface DefinitionChange {
  readonly effect: 'gain' | 'loss' | 'both'
  readonly sentence: string
}

function told(conditions: readonly FieldConditions[]): string {
  return conditions
    .map(
      one =>
        `{ ${one.map(({ field, anyOf }) => `${field}: ${anyOf.map(({ text }) => text).join(' or ')}`).join(', ')} }`,
    )
    .join(' or ')
}

/** Values of a list by their text, that only one of two has. */
function onlyIn(one: readonly string[], other: readonly string[]): readonly string[] {
  return one.filter(value => !other.includes(value))
}

export function definitionChanges({ before, after }: IdentityPair): readonly DefinitionChange[] {
  if (before === undefined && after !== undefined)
    return [{ effect: 'gain', sentence: `certificates with ${told(after.from)} may connect, as ${after.name}` }]
  if (before !== undefined && after === undefined)
    return [
      { effect: 'loss', sentence: `certificates with ${told(before.from)} may no longer connect as ${before.name}` },
    ]
  return before === undefined || after === undefined ? [] : changesOf(before, after)
}

function changesOf(before: IdentityRule, after: IdentityRule): readonly DefinitionChange[] {
  const changes: DefinitionChange[] = []
  const add = (effect: DefinitionChange['effect'], sentence: string): void => {
    changes.push({ effect, sentence: `${after.name}: ${sentence}` })
  }
  if (definitionOf(before) !== definitionOf(after))
    add(
      'both',
      `its certificates were ${issuerOf(before)}${told(before.from)}, and are ${issuerOf(after)}${told(after.from)}`,
    )
  const excepted = (rule: IdentityRule): readonly string[] => rule.except.map(one => told([one]))
  for (const one of onlyIn(excepted(before), excepted(after)))
    add('gain', `certificates with ${one} are no longer excepted`)
  for (const one of onlyIn(excepted(after), excepted(before))) add('loss', `certificates with ${one} are excepted`)
  const ids = (rule: IdentityRule): readonly string[] =>
    rule.clientIds.map(({ parts }) =>
      parts
        .map(part =>
          part.type === 'literal'
            ? part.text
            : part.type === 'free'
              ? '+'
              : `\${${rule.captures.includes(part.name) ? after.captures[rule.captures.indexOf(part.name)] : part.name}}`,
        )
        .join(''),
    )
  for (const one of onlyIn(ids(after), ids(before))) add('gain', `may connect with the client id ${one}`)
  for (const one of onlyIn(ids(before), ids(after))) add('loss', `may no longer connect with the client id ${one}`)
  if (before.membersOnly !== after.membersOnly)
    add(
      after.membersOnly ? 'loss' : 'gain',
      after.membersOnly ? 'members only' : 'a row of members is no longer needed',
    )
  if (before.maxSessions !== after.maxSessions)
    add(
      after.maxSessions > before.maxSessions ? 'gain' : 'loss',
      `${after.maxSessions} sessions at a time, not ${before.maxSessions}`,
    )
  if (before.clientIdUnique !== after.clientIdUnique)
    add(
      after.clientIdUnique === 'vouched' ? 'gain' : 'loss',
      `that a client id has one owner is ${after.clientIdUnique}, not ${before.clientIdUnique}`,
    )
  for (const group of onlyIn(groups(before), groups(after))) add('gain', `may have ${group} together`)
  for (const group of onlyIn(groups(after), groups(before))) add('loss', `may no longer have ${group} together`)
  return changes
}

const issuerOf = ({ issuer }: IdentityRule): string => (issuer === undefined ? '' : `of ${issuer}, `)
const groups = ({ neverTogether }: IdentityRule): readonly string[] =>
  neverTogether.map(group => [...group].sort().join(' and '))

/** Settings that differ; a wider alphabet lets more certificates in. */
export function settingChanges(before: PolicySet, after: PolicySet): readonly DefinitionChange[] {
  const names = ['onDeniedPublish', 'onBroadSubscribe', 'onTakeover'] as const
  const changes = names.flatMap((name): DefinitionChange[] =>
    before.settings[name] === after.settings[name]
      ? []
      : [
          {
            effect: name === 'onBroadSubscribe' && after.settings[name] === 'narrow' ? 'gain' : 'both',
            sentence: `settings: ${name} is ${after.settings[name]}, not ${before.settings[name]}`,
          },
        ],
  )
  const [was, is] = [before, after].map(({ settings }) => [...settings.alphabet.extra]) as [string[], string[]]
  const [more, less] = [onlyIn(is, was), onlyIn(was, is)]
  return [
    ...changes,
    ...(more.length > 0
      ? [{ effect: 'gain', sentence: `settings: captures may hold ${more.join(' ')}` } as const]
      : []),
    ...(less.length > 0
      ? [{ effect: 'loss', sentence: `settings: captures may no longer hold ${less.join(' ')}` } as const]
      : []),
  ]
}
