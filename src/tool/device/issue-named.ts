/** A first certificate for a device that NAME and `--set` name: what `issue` and `sign` have in common. */
import { wantedIdentity } from '../../provision/identity-names.ts'
import { withCa } from '../ca/open.ts'
import { sweepDeviceLeftovers } from '../ca/sweep-leftovers.ts'
import { say } from '../io.ts'
import { loadContext } from './context.ts'
import { answerIssued } from './device-text.ts'
import { type DeviceWish, issueDevice } from './issue-device.ts'
import { type IdentityOptions, type IssueCommandOptions, refuse } from './issue-options.ts'

type DeviceKey = Pick<DeviceWish, 'publicKey' | 'keyPem' | 'output'>

/** `makeKey` is called once it is known whom the key is for; `done` is what is said in the end. */
export async function issueNamed(
  name: string,
  options: IssueCommandOptions & IdentityOptions,
  makeKey: () => DeviceKey,
  done: string,
): Promise<void> {
  await withCa(options, async ca => {
    const context = await loadContext(options, ca)
    const identity = wantedIdentity(context.set, { name, kind: options.identity, given: options.set })
    if (!identity.ok) {
      refuse(identity.problem)
      return
    }
    const { days, out, json = false } = options
    await sweepDeviceLeftovers(out, ca.ledger)
    const wish = { ...context, ...makeKey(), identity: identity.value, name, days, out, renew: false }
    const issued = await issueDevice(ca, wish)
    if (!issued.ok) {
      refuse(issued.problem)
      return
    }
    answerIssued(issued.value, json)
    say(done, 'good')
  })
}
