/** `portcullis policy who ACTION TOPIC`: everybody who can, for all certificates that there can be. */
import type { Command } from 'commander'
import { didYouMean } from '../policy/nearest-name.ts'
import { parseTopicFilter } from '../policy/topic.ts'
import { formatWhere, type Problem, problem } from '../problem.ts'
import { type WhoCan, whoCan } from '../prove/who-can.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, count, say, sayProblems } from './io.ts'

interface WhoOptions {
  readonly policies: string
  readonly json?: boolean
}

const actions = ['publish', 'receive', 'subscribe'] as const

export function addPolicyWho(policy: Command): void {
  addExitCodes(
    policy
      .command('who')
      .description('say who can publish to a topic or be sent it, for all certificates that there can be')
      .argument('<action>', `${actions.join(', ')} (the last two are the same question)`)
      .argument('<topic>', 'a topic name, or a filter: then who can somewhere in it')
      .option('--policies <dir>', 'the policy folder', 'policies')
      .option('--json', 'answer as JSON')
      .action(who),
    "portcullis policy who publish 'plant/s1/+/command/#'",
  )
}

async function who(action: string, topic: string, options: WhoOptions): Promise<void> {
  const known = actions.find(one => one === action)
  if (known === undefined)
    return usage(
      problem('tool/bad-action', `there is no action \`${action}\``, { help: didYouMean(action, actions, 'actions') }),
    )
  const filter = parseTopicFilter(topic)
  if (!filter.ok) return usage(filter.problem)
  const { set } = await loadPolicyFolder(options.policies, { runTests: false })
  const found = whoCan(set, known === 'publish' ? 'publish' : 'receive', filter.value)
  if (!found.ok) {
    sayProblems([found.problem])
    process.exitCode = exitCodes.failed
    return
  }
  if (options.json) answerJson({ action: known, topic, who: found.value.map(asJson) })
  else tell(found.value)
  if (found.value.length === 0) process.exitCode = exitCodes.no
}

function usage(found: Problem): void {
  sayProblems([found])
  process.exitCode = exitCodes.usage
}

function whom({ identity, captures, equal, given, held }: WhoCan): string {
  const fixed = [...captures].map(([name, value]) => `${name}=${value}`)
  const conditions = [...fixed, ...equal].join(', ')
  const roles = given.length === 0 ? '' : ` with ${given.join(', ')}${held ? '' : ' (no member named here has it now)'}`
  return `${conditions === '' ? `every ${identity}` : `${identity} with ${conditions}`}${roles}`
}

function tell(found: readonly WhoCan[]): void {
  const lines = new Map(found.map(one => [`${whom(one)} ${formatWhere(one.rule.where)}`, one] as const))
  const width = Math.max(0, ...[...lines.values()].map(one => whom(one).length))
  for (const one of lines.values())
    answer(
      `${whom(one).padEnd(width)}  role ${one.rule.role}  ${formatWhere(one.rule.where)}  for example ${one.example.topic}`,
    )
  if (found.length === 0) say('nobody can')
  else say(`${count(lines.size, 'way')} for somebody to do it`)
}

function asJson({ identity, captures, equal, given, held, rule, example }: WhoCan): unknown {
  return {
    identity,
    captures: Object.fromEntries(captures),
    equal,
    given,
    held,
    rule: { role: rule.role, where: rule.where },
    example: { topic: example.topic, captures: Object.fromEntries(example.captures) },
  }
}
