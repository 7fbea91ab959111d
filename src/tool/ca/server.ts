/** `portcullis ca server NAME`: key and certificate of a broker. A later one for the same name may stand beside it. */
import { basename, join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { PortcullisError } from '../../problem.ts'
import { issueThroughLedger } from '../../provision/issue-leaf.ts'
import { createKeys, type KeyType, keyPem, keyTypes } from '../../provision/keys.ts'
import { planServer } from '../../provision/server-plan.ts'
import { requireFree, stageFiles } from '../../provision/staged-files.ts'
import { addExitCodes } from '../help.ts'
import { answer, say } from '../io.ts'
import { dayText, shownPath } from './ca-text.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa } from './open.ts'
import { sweepLeftovers } from './sweep-leftovers.ts'

interface ServerOptions extends SigningOptions {
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly key: KeyType
  readonly days: number
  readonly out: string
}

export function addCaServer(ca: Command): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]
  addExitCodes(
    addSigningOptions(ca.command('server').description('make key and certificate of a broker'))
      .argument('<name>', 'common name, and name of the files', parseFileName)
      .option('--dns <name>', 'a name that clients reach it by (several times)', collect, [])
      .option('--ip <address>', 'an address that clients reach it by (several times)', collect, [])
      .addOption(new Option('--key <type>', 'type of the key').choices(keyTypes).default('p256'))
      .option('--days <n>', 'validity', parseDays, 365)
      .option('--out <dir>', 'where the files go', '.')
      .action(server),
    'portcullis ca server broker --dns broker.acme.example --ip 192.0.2.1 --out tls',
  )
}

function parseFileName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) && basename(text) === text) return text
  throw new InvalidArgumentError('Write letters, digits, dots, _ and -, at most 64, beginning with a letter or digit.')
}

async function server(name: string, options: ServerOptions): Promise<void> {
  const { dns, ip, days, out } = options
  const [keyFile, certificateFile] = [join(out, `${name}.key`), join(out, `${name}.pem`)]
  await requireFree([keyFile, certificateFile])
  await withCa(options, async ca => {
    await sweepLeftovers(out)
    const keys = createKeys(options.key)
    const plan = planServer(ca, { name, dns, ip, days, publicKey: keys.publicKey })
    const issued = await issueThroughLedger(ca, plan, {
      renew: true,
      stage: signed =>
        stageFiles([
          { path: keyFile, content: keyPem(keys.privateKey), mode: 0o600 },
          { path: certificateFile, content: signed.pem + ca.issuingPem, mode: 0o644 },
        ]),
    })
    if (!issued.ok) throw new PortcullisError([issued.problem])
    const { serialHex, notAfter } = issued.value.signed
    say(`issued the broker certificate ${name} for ${[...dns, ...ip].join(', ')}`, 'good')
    answer(`serial       ${serialHex}`)
    answer(`valid until  ${dayText(notAfter)}`)
    answer(`key          ${shownPath(keyFile)}`)
    answer(`certificate  ${shownPath(certificateFile)}`)
  })
}
