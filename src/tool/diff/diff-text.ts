/** How `policy diff` tells what it found: lines, Markdown for a pull request, JSON. */
import { markdownCode, markdownText } from '../../observe/escape-markdown.ts'
import { formatWhere } from '../../problem.ts'
import type { PolicyDiff, RightChange } from '../../prove/diff/diff-policies.ts'

const mostMembers = 5
const verbs = { publish: 'publish', subscribe: 'subscribe', receive: 'be sent' } as const

function namesOf(captures: ReadonlyMap<string, string>): string {
  return [...captures].map(([name, value]) => `${name}=${value}`).join(',')
}

/** `device:device=pump-7`, at most five of them, or every device. */
function whoOf({ identity, members, given }: RightChange): string {
  if (given !== undefined) return `${identity} with ${given}`
  if (members.length === 0) return `every ${identity}`
  const more = members.length > mostMembers ? ` and ${members.length - mostMembers} more` : ''
  const shown = members.slice(0, mostMembers).map(one => `${identity}:${namesOf(one)}`)
  return shown.join(', ') + more
}

function what({ action, filter, condition }: RightChange): string {
  return `${verbs[action]} ${filter}${condition === '' ? '' : ` (${condition})`}`
}

function example({ identity, captures, topic }: RightChange): string {
  return `${identity}${captures.size === 0 ? '' : `:${namesOf(captures)}`} ${topic}`
}

const definitionSign = { gain: '+', loss: '-', both: '~' } as const

function isEmpty({ gains, losses, definitions }: PolicyDiff): boolean {
  return gains.length + losses.length + definitions.length === 0
}

const nobody = 'nobody gains or loses anything'

/** A line for each change, and whatever `detail` adds below that of a right. */
function linesOf(diff: PolicyDiff, detail: (change: RightChange) => readonly string[]): readonly string[] {
  if (isEmpty(diff)) return [nobody]
  const right = (sign: string, verb: string) => (change: RightChange) => [
    `${sign} ${whoOf(change)} ${verb} ${what(change)}`,
    ...detail(change),
  ]
  return [
    ...diff.definitions.map(({ effect, sentence }) => `${definitionSign[effect]} ${sentence}`),
    ...diff.gains.flatMap(right('+', 'gains')),
    ...diff.losses.flatMap(right('-', 'loses')),
  ]
}

export function diffLines(diff: PolicyDiff): readonly string[] {
  return linesOf(diff, change => [`    for example ${example(change)}   ${formatWhere(change.rule.where)}`])
}

/** Without examples: one line for each change. */
export function diffHeadlines(diff: PolicyDiff): readonly string[] {
  return linesOf(diff, () => [])
}

export function diffMarkdown(diff: PolicyDiff): readonly string[] {
  if (isEmpty(diff)) return ['**Policy**: nobody gains or loses anything.']
  const table = (title: string, changes: readonly RightChange[]): readonly string[] =>
    changes.length === 0
      ? []
      : [
          '',
          `**${title}**`,
          '',
          '| who | what | for example | rule |',
          '| --- | --- | --- | --- |',
          ...changes.map(
            change =>
              `| ${markdownText(whoOf(change))} | ${verbs[change.action]} ${markdownCode(change.filter)}${change.condition === '' ? '' : ` (${markdownText(change.condition)})`} | ${markdownCode(example(change))} | ${markdownCode(formatWhere(change.rule.where))} |`,
          ),
        ]
  return [
    '### What this change of the policy means',
    ...(diff.definitions.length === 0 ? [] : ['']),
    ...diff.definitions.map(
      ({ effect, sentence }) =>
        `- ${{ gain: 'gain', loss: 'loss', both: 'changed' }[effect]}: ${markdownText(sentence)}`,
    ),
    ...table('Who gains', diff.gains),
    ...table('Who loses', diff.losses),
  ]
}

export function diffJson(diff: PolicyDiff): unknown {
  const right = (change: RightChange) => ({
    identity: change.identity,
    ...(change.members.length === 0 ? {} : { members: change.members.map(one => Object.fromEntries(one)) }),
    ...(change.given === undefined ? {} : { given: change.given }),
    action: change.action,
    filter: change.filter,
    ...(change.condition === '' ? {} : { condition: change.condition }),
    rule: { role: change.rule.role, where: change.rule.where },
    example: { captures: Object.fromEntries(change.captures), topic: change.topic },
  })
  return {
    changed: !isEmpty(diff),
    gains: diff.gains.map(right),
    losses: diff.losses.map(right),
    definitions: diff.definitions,
  }
}
