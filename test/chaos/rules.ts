/** The policy of the chaos plant as a few switches: its text for the broker, and the same said once more, plainly, for the oracle. */

/** `plant/SITE/DEVICE/CLASS/…` */
export const classes = ['telemetry', 'extra', 'command', 'notice', 'end'] as const
export type Class = (typeof classes)[number]
export type Verb = 'publish' | 'receive'
type Switch = 'open' | 'removed' | 'denied'

/** What may not be done, as `VERB CLASS`; all else that a role is for may be done. */
export type Rules = ReadonlyMap<string, Switch>

export interface Who {
  readonly role: 'device' | 'operator'
  readonly name: string
}

export const deviceNames = ['pump-1', 'pump-2', 'pump-3', 'pump-4', 'pump-5']

const said: Readonly<Record<Who['role'], Readonly<Record<Verb, readonly Class[]>>>> = {
  device: { publish: ['telemetry', 'extra', 'end'], receive: ['command', 'notice', 'end'] },
  operator: { publish: ['command', 'notice', 'end'], receive: ['telemetry', 'extra', 'end'] },
}

/** What an edit may close; `end` stays open, so that a run can be brought to its end. */
export const switches = [
  'publish extra',
  'receive extra',
  'publish notice',
  'receive notice',
  'receive command',
] as const

export const allOpen: Rules = new Map()

/** Whether these rules let somebody do this with a topic name, or with a filter that names its class. */
export function permits(rules: Rules, who: Who, verb: Verb, topic: string): boolean {
  const [plant, , device, kind] = topic.split('/')
  if (plant !== 'plant' || (who.role === 'device' && device !== who.name)) return false
  return said[who.role][verb].some(one => one === kind) && (rules.get(`${verb} ${kind}`) ?? 'open') === 'open'
}

/** The policy file. `edit` makes every text another one. */
export function policyText(rules: Rules, edit: number): string {
  const lines = (role: Who['role'], place: string): string[] => {
    const allowed: string[] = []
    const denied: string[] = []
    for (const verb of ['publish', 'receive'] as const) {
      for (const kind of said[role][verb]) {
        const state = rules.get(`${verb} ${kind}`) ?? 'open'
        const topic = `"plant/${place}/${kind}/#"`
        if (state !== 'removed') allowed.push(`      - ${verb === 'receive' ? 'subscribe' : verb}: ${topic}`)
        if (state === 'denied') denied.push(`      - ${verb}: ${topic}`)
      }
    }
    return ['    allow:', ...allowed, ...(denied.length === 0 ? [] : ['    deny:', ...denied])]
  }
  return `portcullis: 1
# edit ${edit}
identities:
  device:
    issuer: acme
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: staff }
    unique: [device]
    clientId: "\${device}"
    roles: [device]
  staff:
    issuer: acme
    from: { subject.ou: staff, subject.cn: "\${name}" }
    clientId: "\${name}/+"
    roles: [operator]
roles:
  device:
${lines('device', '${site}/${device}').join('\n')}
  operator:
${lines('operator', '+/+').join('\n')}
`
}
