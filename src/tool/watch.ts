/** `portcullis watch`: decisions and events of a running broker, live, until Ctrl-C. */
import { type Command, InvalidArgumentError } from 'commander'
import { parseTopicFilter } from '../policy/topic.ts'
import { type AdminOptions, addAdminOption } from './admin/admin-path.ts'
import { AdminError, askAdmin, cut } from './admin/ask-admin.ts'
import { withAdmin } from './admin/with-admin.ts'
import { addExitCodes } from './help.ts'
import { answer, count, say } from './io.ts'

interface WatchOptions extends AdminOptions {
  readonly refused?: boolean
  readonly who?: readonly string[]
  readonly topic?: string
  readonly json?: boolean
}

export function addWatch(program: Command): void {
  addExitCodes(
    addAdminOption(
      program.command('watch').description('see what a running broker permits and refuses, live, until Ctrl-C'),
    )
      .option('--refused', 'refusals only')
      .option(
        '--who <pattern...>',
        'only of these: an identity or its beginning, a client id, a subject; * is any text',
      )
      .option('--topic <filter>', 'only of topics that this MQTT topic filter matches', parseTopic)
      .option('--json', 'the lines of the JSON log')
      .action(watch),
    "portcullis watch --refused --who device:site=s1 --topic 'plant/#'",
  )
}

function parseTopic(text: string): string {
  if (!parseTopicFilter(text).ok) throw new InvalidArgumentError('Write an MQTT topic filter, such as plant/+/state.')
  return text
}

async function watch(options: WatchOptions): Promise<void> {
  const { refused = false, who = [], topic, json } = options
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  process.once('SIGTERM', () => interrupt.abort())
  await withAdmin(options, async path => {
    const format = json ? 'json' : 'plain'
    const filter = { refused, who, ...(topic === undefined ? {} : { topic }) }
    const request = { command: 'watch', format, topic: undefined, ...filter } as const
    for await (const fields of askAdmin(path, request, interrupt.signal)) {
      const [line, lost] = [fields.get('line'), fields.get('lost')]
      if (typeof line === 'string') answer(line)
      else if (typeof lost === 'number') say(`${count(lost, 'more line')} not shown: too many at once`, 'faint')
      else say('watching; Ctrl-C ends it', 'faint')
    }
    if (!interrupt.signal.aborted) throw new AdminError(cut(path))
  })
}
