/** The policy set of a new repository, with tests and claims that hold for it. */
import type { Answers } from './answers.ts'

const uri = (root: string, kind: string, name: string): string => `urn:portcullis:${root}:${kind}:${name}`

/** What differs between the ways in which a device is named. */
interface Naming {
  readonly remark: string
  readonly from: string
  readonly clientId: string
  readonly topic: string
  readonly captures: string
  /** The certificate of a device, by its site and name. */
  readonly certificate: (site: string, device: string) => string
  readonly sample: (site: string, device: string) => { readonly clientId: string; readonly topic: string }
}

function namingOf({ root, deviceName }: Answers): Naming {
  if (deviceName === 'site-and-cn')
    return {
      remark: 'OU is the site, CN the device (OU=s1, CN=pump-7).',
      from: '{ subject.ou: "${site}", subject.cn: "${device}" }',
      clientId: '${site}/${device}',
      topic: `${root}/\${site}/\${device}`,
      captures: 'site, device',
      certificate: (site, device) => `subject.ou: ${site}, subject.cn: ${device}`,
      sample: (site, device) => ({ clientId: `${site}/${device}`, topic: `${root}/${site}/${device}` }),
    }
  const common = {
    clientId: '${device}',
    topic: `${root}/\${device}`,
    captures: 'device',
    sample: (_: string, device: string) => ({ clientId: device, topic: `${root}/${device}` }),
  }
  if (deviceName === 'cn')
    return {
      ...common,
      remark: 'CN is the device (CN=pump-7).',
      from: '{ subject.cn: "${device}" }',
      certificate: (_, device) => `subject.cn: ${device}`,
    }
  return {
    ...common,
    remark: `a URI in the SAN names the device (${uri(root, 'device', 'pump-7')}).`,
    from: `{ san.uri: "${uri(root, 'device', '${device}')}" }`,
    certificate: (_, device) => `san.uri: "${uri(root, 'device', device)}"`,
  }
}

/** Every device, as a filter. */
const everyDevice = ({ root, deviceName }: Answers): string => `${root}/${deviceName === 'site-and-cn' ? '+/+' : '+'}`

/** `policies/policy.yaml`. */
export function policyText(answers: Answers): string {
  const naming = namingOf(answers)
  const hasOperators = answers.operators === 'san-uri'
  return `# yaml-language-server: $schema=../node_modules/portcullis/schema/policy.schema.json
#
# Who is who, and who may do what. What no rule allows is refused. Check it: npx --no -- portcullis policy check --strict
portcullis: 1

identities:
  # A device is named by its certificate: ${naming.remark}
  device:
    from: ${naming.from}
${hasOperators ? '    except: { subject.ou: operators }\n' : ''}    clientId: "${naming.clientId}" # it connects as this, and as nobody else
    roles: [device]
${hasOperators ? operatorIdentity(answers) : ''}
roles:
  # A device speaks for itself, and hears what it is told to do.
  device:
    allow:
      - publish: ${naming.topic}/telemetry/#
        maxQos: 1
        retain: false
      - subscribe: ${naming.topic}/command/+
${hasOperators ? operatorRole(answers) : ''}`
}

function operatorIdentity({ root }: Answers): string {
  return `
  # A person has OU=operators and a name in the SAN (${uri(root, 'operator', 'ops-1')}).
  operator:
    from: { subject.ou: operators, san.uri: "${uri(root, 'operator', '${operator}')}" }
    clientId: "operator/\${operator}/+" # operator/ops-1/laptop, operator/ops-1/phone, …
    membersOnly: true # a certificate alone is not enough: without a row below, refused
    mayAlsoHave: [operator]
`
}

function operatorRole(answers: Answers): string {
  return `
  # An operator reads what devices report, and commands them.
  operator:
    allow:
      - subscribe: ${everyDevice(answers)}/telemetry/#
      - publish: ${everyDevice(answers)}/command/+
        maxQos: 1
        retain: false

members:
  operators:
    of: operator
    by: [operator]
    rows:
      - { operator: ops-1, roles: [operator] }
`
}

/** `policies/policy.test.yaml`. */
export function policyTestText(answers: Answers): string {
  const naming = namingOf(answers)
  const [own, other] = [naming.sample('s1', 'pump-7'), naming.sample('s1', 'pump-8')]
  const hasOperators = answers.operators === 'san-uri'
  return `# Tests and claims of the policies beside this file: a set that fails one of them is not loaded.
tests:
  - name: pump-7 speaks for itself
    as: { ${naming.certificate('s1', 'pump-7')} }
    clientId: ${own.clientId}
    can:
      - { publish: ${own.topic}/telemetry/temp, qos: 1 }
      - { subscribe: ${own.topic}/command/start }
    cannot:
      - { publish: ${own.topic}/telemetry/temp, retain: true }
      - { publish: ${own.topic}/command/start }
  - name: pump-7 does not speak or listen for its neighbour
    as: { ${naming.certificate('s1', 'pump-7')} }
    cannot:
      - { publish: ${other.topic}/telemetry/temp }
      - { subscribe: ${other.topic}/command/start }
      - { subscribe: "#" }
  - name: nobody borrows a client id
    as: { ${naming.certificate('s1', 'pump-7')} }
    clientId: ${other.clientId}
    refused: bind/client-id-mismatch
${hasOperators ? operatorTests(answers, own.topic) : ''}
# What holds for every certificate that there can be, not only for those that the tests name.
claims:
  - isolated: { identity: device, by: [${naming.captures}] }
  - every: { identity: device, can: { publish: "${naming.topic}/telemetry/temp" } }
  - never: { identity: device, can: { publish: ${everyDevice(answers)}/command/# } }
${hasOperators ? `  - only: { roles: [operator], can: { publish: ${everyDevice(answers)}/command/# } }\n` : ''}`
}

function operatorTests({ root }: Answers, topic: string): string {
  return `  - name: ops-1 reads and commands pump-7
    as: { subject.ou: operators, san.uri: "${uri(root, 'operator', 'ops-1')}" }
    clientId: operator/ops-1/laptop
    can:
      - { subscribe: ${topic}/telemetry/temp }
      - { publish: ${topic}/command/start }
    cannot:
      - { publish: ${topic}/telemetry/temp }
  - name: an operator without a row in members stays outside
    as: { subject.ou: operators, san.uri: "${uri(root, 'operator', 'new-hire')}" }
    refused: bind/not-a-member
`
}
