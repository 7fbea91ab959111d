/** The top level of policy files: the version, and the sections of all files side by side. Pure. */
import { nearestName } from './nearest-name.ts'
import type { MapNode, Node } from './node.ts'
import type { SortedFile } from './policy-files.ts'
import { constantsSchema } from './read-constants.ts'
import { identitiesSchema } from './read-identities.ts'
import { membersSchema } from './read-members.ts'
import { rolesSchema } from './read-roles.ts'
import { settingsSchema } from './read-settings.ts'
import { readYaml } from './read-yaml.ts'
import type { Report, Section } from './report.ts'
import { type JsonSchema, node, object, optional, required } from './shape.ts'

const sectionNames = ['constants', 'identities', 'roles', 'members', 'settings'] as const satisfies readonly Section[]

const policyFile = object('a policy file', {
  portcullis: required(node({ enum: [1, '1'] }), 'version of the policy language: 1'),
  constants: optional(
    node(constantsSchema),
    'variables with values written here; a rule that uses a list means one rule per value',
  ),
  identities: optional(node(identitiesSchema), 'which certificates are which kind of client'),
  roles: optional(node(rolesSchema), 'what a client may publish, subscribe to and be sent'),
  members: optional(node(membersSchema), 'tables of what single clients have besides'),
  settings: optional(node(settingsSchema), 'what the gate does where there is a choice'),
})

export const policyFileSchema: JsonSchema = policyFile.schema

/** Each section, once per file that has it. */
export function readSections(files: readonly SortedFile[], report: Report): Readonly<Record<Section, readonly Node[]>> {
  const sections: Record<Section, Node[]> = { constants: [], identities: [], roles: [], members: [], settings: [] }
  for (const { text, file } of files) {
    const root = readYaml(text, file, report)
    const read = root === undefined ? undefined : policyFile.read(withoutTests(root, report), report)
    if (root === undefined || read === undefined) {
      report.unread(...sectionNames)
      continue
    }
    checkVersion(read.value.portcullis, report)
    for (const name of sectionNames) {
      const section = read.value[name]
      if (section?.kind === 'broken') report.unread(name)
      else if (section !== undefined) sections[name].push(section)
    }
    noteMisspelt(root, report)
  }
  return sections
}

function checkVersion(version: Node | undefined, report: Report): void {
  if (version === undefined || version.kind === 'broken' || (version.kind === 'text' && version.text === '1')) return
  report.add('policy/version', 'this version reads the policy language 1 only', version.where, 'write `portcullis: 1`')
}

/** Tests in a policy file have a help line of their own. */
function withoutTests(root: Node, report: Report): Node {
  if (root.kind !== 'map') return root
  const isTest = (name: string) => name === 'tests' || name === 'claims'
  for (const { key } of root.entries) {
    if (isTest(key.text))
      report.add(
        'policy/unknown-key',
        `unknown key \`${key.text}\` in a policy file`,
        key.where,
        'tests stand in a file of their own that ends in .test.yaml',
      )
  }
  return { ...root, entries: root.entries.filter(({ key }) => !isTest(key.text)) } satisfies MapNode
}

/** Names under `role:` are missing because of the slip, not undefined. */
function noteMisspelt(root: Node, report: Report): void {
  if (root.kind !== 'map') return
  for (const { key } of root.entries) {
    const near = nearestName(key.text, sectionNames)
    const section = sectionNames.find(name => name === near)
    if (section !== undefined && section !== key.text) report.unread(section)
  }
}
