/** `portcullis demo`: a tour of honest and hostile acts against a running broker over real TLS. */
import { type Command, Option } from 'commander'
import { chosenPersistence } from '../configured-persistence.ts'
import { exitCodes } from '../exit-codes.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, count } from '../io.ts'
import { scenes } from './scenes.ts'
import { openWorld } from './world.ts'

interface Row {
  readonly scene: string
  readonly expected: string
  readonly seen: string
}

export function addDemo(program: Command): void {
  addExitCodes(
    program
      .command('demo')
      .description('play honest and hostile scenes against a guarded broker over real TLS: scene, expected, seen')
      .option('--unguarded', 'play them against an aedes with ordinary hand-written hooks instead', false)
      .addOption(
        new Option(
          '--cluster <url>',
          'play them against two guarded nodes on this Redis, which nothing else should use',
        ).conflicts('unguarded'),
      )
      .option('--json', 'answer as JSON', false)
      .action(demo),
    'portcullis demo --unguarded',
  )
}

interface DemoOptions {
  readonly unguarded: boolean
  readonly cluster?: string
  readonly json: boolean
}

async function demo(options: DemoOptions): Promise<void> {
  const { cluster } = options
  const persistence = chosenPersistence({ ...(cluster && { cluster }) }, { kind: 'memory' })
  const world = await openWorld({ isGuarded: !options.unguarded, persistence })
  const rows: Row[] = []
  try {
    for (const { name, expected, run } of scenes) {
      const seen = await run(world).catch((error: Error) => `error: ${error.message}`)
      rows.push({ scene: name, expected, seen })
      await world.isAlive()
    }
  } finally {
    await world.close()
  }
  const differing = rows.filter(row => row.seen !== row.expected)
  if (options.json) answerJson(rows)
  else for (const line of table(rows)) answer(line.text, line.differs ? 'bad' : 'plain')
  answerSummary(options.json, `${count(rows.length, 'scene')}, ${differing.length} differ`)
  process.exitCode = differing.length === 0 ? exitCodes.done : exitCodes.no
}

function answerSummary(isJson: boolean, text: string): void {
  if (!isJson) answer(text)
}

function table(rows: readonly Row[]): readonly { text: string; differs: boolean }[] {
  const width = (pick: (row: Row) => string): number => Math.max(...rows.map(row => pick(row).length))
  const [first, second] = [width(row => row.scene), width(row => row.expected)]
  const line = (scene: string, expected: string, seen: string): string =>
    `${scene.padEnd(first)}  ${expected.padEnd(second)}  ${seen}`
  return [
    { text: line('scene', 'expected', 'seen'), differs: false },
    ...rows.map(row => {
      const differs = row.seen !== row.expected
      return { text: `${line(row.scene, row.expected, row.seen)}${differs ? '   <- differs' : ''}`, differs }
    }),
  ]
}
