/** `portcullis enroll token NAME`: a token for one device, good for one certificate. */
import { type Command, InvalidArgumentError } from 'commander'
import { openEnrolKey } from '../../provision/enrol/enrol-key.ts'
import { issueToken } from '../../provision/enrol/issue-token.ts'
import { wantedIdentity } from '../../provision/identity-names.ts'
import { stageFiles } from '../../provision/staged-files.ts'
import { shownPath } from '../ca/ca-text.ts'
import { addSigningOptions, type SigningOptions, withCa } from '../ca/open.ts'
import { addPolicyOptions, loadContext, type PolicyOptions } from '../device/context.ts'
import { addIdentityOptions, type IdentityOptions, refuse } from '../device/issue-options.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, say } from '../io.ts'

interface TokenOptions extends SigningOptions, PolicyOptions, IdentityOptions {
  /** Milliseconds. */
  readonly valid: number
  readonly out?: string
  readonly json?: boolean
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const longestDays = 90

export function addEnrollToken(enroll: Command): void {
  addExitCodes(
    addPolicyOptions(
      addSigningOptions(
        addIdentityOptions(
          enroll
            .command('token')
            .description(
              'make a token that is good for one certificate of one device, if the policy lets it do anything',
            )
            .argument('<name>', 'name of the device: the capture that --set does not give'),
        ),
      ),
    )
      .option('--valid <time>', 'for how long: 30m, 24h, 7d', parseValid, parseValid('24h'))
      .option('--out <file>', 'write it to a file that only you can read, instead of stdout')
      .option('--json', 'answer as JSON')
      .action(token),
    'portcullis enroll token pump-12 --set site=s1 --valid 24h --out pump-12.token',
  )
}

function parseValid(text: string): number {
  const [, number, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? []
  const ms = Number(number) * (unitMs[unit ?? ''] ?? Number.NaN)
  if (ms <= longestDays * 86_400_000) return ms
  throw new InvalidArgumentError(`Write a number of minutes, hours or days, such as 24h, up to ${longestDays}d.`)
}

async function token(name: string, options: TokenOptions): Promise<void> {
  await withCa(options, async (ca, passphrase) => {
    const policy = await loadContext(options, ca)
    const identity = wantedIdentity(policy.set, { name, kind: options.identity, given: options.set })
    if (!identity.ok) {
      refuse(identity.problem)
      return
    }
    const key = await openEnrolKey(ca, passphrase)
    const issued = await issueToken(ca, key, { policy, identity: identity.value, name, validMs: options.valid })
    if (!issued.ok) {
      refuse(issued.problem)
      return
    }
    const { claims } = issued.value
    const until = claims.expires.toISOString()
    if (options.out !== undefined) await writeToken(options.out, issued.value.token)
    const shown = options.out === undefined ? { token: issued.value.token } : { file: options.out }
    if (options.json) answerJson({ id: claims.jti, name, expires: until, ...shown })
    else if (options.out === undefined) answer(issued.value.token)
    else answer(`token        ${shownPath(options.out)}`)
    say(`good once, for ${name}, until ${until}; take it back by: portcullis enroll withdraw ${claims.jti}`)
  })
}

async function writeToken(path: string, text: string): Promise<void> {
  const staged = await stageFiles([{ path, content: `${text}\n`, mode: 0o600 }])
  await staged.publish()
}
