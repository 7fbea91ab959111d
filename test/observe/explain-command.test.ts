/** The `policy explain` line of a refusal: pasted into a shell, `policy explain` reads back exactly what was refused. */
import { execFileSync } from 'node:child_process'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { explainCommand } from '../../src/observe/explain-command.ts'
import { parseWho } from '../../src/tool/explain/parse-who.ts'
import { addPolicyExplain, type ExplainOptions } from '../../src/tool/policy-explain.ts'
import type { TracedAction, TracedPeer } from '../../src/trace.ts'

const address = '127.0.0.1'
const pump7: TracedPeer = { address, who: 'device:site=s1,device=pump-7' }

test('says what the log needs, without what is assumed anyway', () => {
  const action: TracedAction = {
    verb: 'publish',
    topic: 'plant/s1/pump-8/telemetry/temp',
    qos: 1,
    retain: false,
    payloadBytes: 0,
  }
  expect(explainCommand(pump7, action, 'policies')).toBe(
    'npx portcullis policy explain device:site=s1,device=pump-7 publish plant/s1/pump-8/telemetry/temp --qos 1',
  )
})

test('without an identity names the subject; with nothing known, or text that cannot be shown, says nothing', () => {
  const action: TracedAction = { verb: 'connect', topic: 'pump-7' }
  expect(explainCommand({ address, subject: 'CN=pump-7, OU=s1' }, action, 'policies')).toBe(
    "npx portcullis policy explain 'subject:CN=pump-7, OU=s1' connect pump-7",
  )
  expect(explainCommand({ address }, action, 'policies')).toBeUndefined()
  expect(explainCommand({ address, subject: 'CN=long…' }, action, 'policies')).toBeUndefined()
  for (const topic of ['a\nb', 'a\u0000b', 'a\u009bb', 'a\u202eb']) {
    expect(explainCommand(pump7, { verb: 'publish', topic }, 'policies')).toBeUndefined()
  }
})

/** What a POSIX shell makes of each line: one spawn for all. */
function shellWords(lines: readonly string[]): string[][] {
  const script = `show() { for word in "$@"; do printf '%s\\0' "$word"; done; printf '\\n\\0'; }\n${lines.map(line => `show ${line}`).join('\n')}`
  const words = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
  const result: string[][] = [[]]
  for (const word of words) {
    if (word === '\n') result.push([])
    else result.at(-1)?.push(word)
  }
  return result.slice(0, -1)
}

interface Asked {
  readonly who: string
  readonly verb: string
  readonly topic: string
  readonly options: ExplainOptions
}

async function readBack(words: readonly string[]): Promise<Asked> {
  expect(words.slice(0, 3)).toEqual(['npx', 'portcullis', 'policy'])
  let asked: Asked | undefined
  const policy = new Command('policy').exitOverride()
  addPolicyExplain(policy, async (who, verb, topic, options) => {
    asked = { who, verb, topic, options: { ...options } }
  })
  await policy.parseAsync(words.slice(3), { from: 'user' })
  return asked as Asked
}

test('reads back exactly, whatever the topic, the subject and the folder hold', async () => {
  const texts = [
    'plain',
    "it's",
    '$HOME',
    '`id`',
    'a b',
    '"x"',
    'ünï/çode/漢字/🚰',
    '\\',
    '--json',
    '-x',
    '--',
    '',
    '#',
    '*',
    '~',
    '!!',
    'a;b&c|d>e',
    '=ls',
    '{a,b}',
    '%s',
    '$(id)',
    '!x',
    "'",
    "''",
    '[a]',
    '?',
    'a=b',
  ]
  const peers: TracedPeer[] = [pump7, { address, subject: 'CN=it\'s \\"$x\\" \\u{e9}, OU=a b' }]
  const cases = texts.flatMap(topic =>
    peers.flatMap(peer =>
      (['publish', 'subscribe', 'receive', 'will', 'connect'] as const).map(verb => ({
        peer,
        action: { verb, topic, qos: 2, retain: true, payloadBytes: 12 } satisfies TracedAction,
        folder: topic === '' ? 'policies' : topic,
      })),
    ),
  )
  const lines = cases.map(({ peer, action, folder }) => explainCommand(peer, action, folder) as string)
  const words = shellWords(lines)
  for (const [index, { peer, action, folder }] of cases.entries()) {
    const asked = await readBack(words[index] ?? [])
    const isPublish = action.verb === 'publish' || action.verb === 'will'
    expect(asked).toEqual({
      who: peer.who ?? `subject:${peer.subject}`,
      verb: action.verb,
      topic: action.topic,
      options: {
        qos: isPublish || action.verb === 'subscribe' ? 2 : 0,
        retain: isPublish,
        payloadBytes: isPublish ? 12 : 0,
        policies: folder,
      },
    })
    expect(parseWho(asked.who).ok).toBe(true)
  }
})
