/**
 * The model of a policy set: what the files of a policy folder say once they are parsed and checked. Plain,
 * immutable data; every other module is handed one of these and never a raw file. Pure.
 */
import type { Where } from '../problem.ts'
import type { FilterTemplate } from './filter-template.ts'
import type { ClientIdTemplate, Pattern } from './pattern.ts'
import type { SafeAlphabet } from './safe-value.ts'
import type { TopicFilter } from './topic.ts'

/** Certificate fields that `from:`, `except:` and tests may name. */
export const fieldNames = [
  'subject.cn',
  'subject.o',
  'subject.ou',
  'subject.c',
  'subject.st',
  'subject.l',
  'subject.serialNumber',
  'subject.uid',
  'subject.title',
  'san.uri',
  'san.dns',
  'san.email',
  'san.ip',
  'issuer.cn',
  'issuer.o',
  'issuer.ou',
  'serial',
  'fingerprint.sha256',
] as const

export type FieldName = (typeof fieldNames)[number]

/** One value of a certificate field, as the certificate has it: nothing trimmed, folded or escaped. */
export interface FieldValue {
  readonly text: string
  /** ASN.1 string type, which matching needs (SEMANTICS 1.4): only the first three of subject and issuer types are acceptable. */
  readonly stringType: 'utf8' | 'printable' | 'ia5' | 'other'
  /** True where the attribute stands in a multi-valued RDN. */
  readonly inMultiValuedRdn: boolean
}

/** A certificate reduced to what identities may match on. `authenticate/` fills it; tests fill it by hand. */
export interface FieldTable {
  /** Configured name of the issuer, from `issuers:`; undefined in a policy test that names none. */
  readonly issuer: string | undefined
  readonly values: ReadonlyMap<FieldName, readonly FieldValue[]>
}

/** A condition on one field: any of these patterns (a literal list is several literal patterns). */
export interface FieldCondition {
  readonly field: FieldName
  readonly anyOf: readonly Pattern[]
  readonly where: Where
}

/** One alternative of `from:`: every condition must hold. */
export type FieldConditions = readonly FieldCondition[]

/** What `policy check` warns of; `accept:` names it with a reason where it is meant. */
export const warningNames = [
  'dead-rule',
  'idle-deny',
  'broad-filter',
  'shared-right',
  'unheld-role',
  'overlapping-identities',
] as const

export type WarningName = (typeof warningNames)[number]

/** Warning → why it is meant. */
export type Accepted = ReadonlyMap<WarningName, string>

export interface IdentityRule {
  readonly name: string
  readonly where: Where
  readonly issuer: string | undefined
  /** Alternatives, all with the same captures; at least one. */
  readonly from: readonly FieldConditions[]
  /** Alternatives; a match of any is not this identity. */
  readonly except: readonly FieldConditions[]
  /** `set:` constants of this identity, usable as `${vendor}`. */
  readonly set: ReadonlyMap<string, string>
  readonly unique: readonly string[]
  readonly clientIds: readonly ClientIdTemplate[]
  readonly clientIdUnique: 'proved' | 'vouched'
  readonly roles: readonly string[]
  readonly mayAlsoHave: readonly string[]
  readonly neverTogether: readonly (readonly string[])[]
  readonly membersOnly: boolean
  readonly maxSessions: number
  /** Names that `from:` captures. */
  readonly captures: readonly string[]
  readonly accept?: Accepted
}

export type RuleAction = 'publish' | 'subscribe' | 'receive'

/** One rule of a role: an effect, an action, filters that may hold variables, and conditions. */
export interface Rule {
  readonly role: string
  readonly effect: 'allow' | 'deny'
  readonly action: RuleAction
  readonly filters: readonly FilterTemplate[]
  readonly maxQos?: 0 | 1 | 2
  readonly maxPayloadBytes?: number
  readonly retain?: boolean
  /** Groups of shared subscriptions; such a rule grants only those. */
  readonly share?: readonly string[]
  readonly accept?: Accepted
  readonly where: Where
}

export interface Role {
  readonly name: string
  readonly rules: readonly Rule[]
  readonly accept?: Accepted
  readonly where: Where
}

/** One row of a members table: what it adds to, or takes from, one member. */
export interface MemberRow {
  /** Values of the table's `by` columns, in that order. */
  readonly key: readonly string[]
  readonly roles: readonly string[]
  /** A reason: this member is shut out. */
  readonly refused: string | undefined
  /** Other columns; list columns have several values (or none). */
  readonly attributes: ReadonlyMap<string, string | readonly string[]>
  readonly where: Where
}

export interface MemberTable {
  readonly name: string
  readonly of: string
  readonly by: readonly string[]
  /** Attribute columns of the table (not `by`, roles or refused), and whether they are lists. */
  readonly columns: ReadonlyMap<string, 'one' | 'list'>
  /** Key → row; the key is `memberKey(values)`. */
  readonly rows: ReadonlyMap<string, MemberRow>
  readonly where: Where
}

/** A collision-free map key of several values: safe values never hold a slash. */
export function memberKey(values: readonly string[]): string {
  return values.join('/')
}

export interface Settings {
  readonly onDeniedPublish: 'disconnect' | 'drop'
  readonly onBroadSubscribe: 'refuse' | 'narrow'
  readonly onTakeover: 'replace' | 'refuse'
  /** Alphabet of captured values: the default one, or the one that `safeValues:` widens it to. */
  readonly alphabet: SafeAlphabet
}

/** One `can`/`cannot` entry of a policy test. A will is a publish. */
export interface TestAction {
  readonly verb: 'publish' | 'subscribe' | 'receive' | 'will'
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly payloadBytes: number
  readonly where: Where
}

export interface PolicyTest {
  readonly name: string
  /** Certificate fields, or an identity and its captures. */
  readonly as:
    | { readonly kind: 'fields'; readonly table: FieldTable }
    | { readonly kind: 'identity'; readonly identity: string; readonly captures: ReadonlyMap<string, string> }
  readonly clientId: string | undefined
  readonly can: readonly TestAction[]
  readonly cannot: readonly TestAction[]
  /** Code that connecting must be refused with. */
  readonly refused: { readonly code: string; readonly where: Where } | undefined
  readonly where: Where
}

/** Who a claim is about: an identity, whoever has one of these roles, or both together; all where neither is said. */
export interface PeopleClass {
  readonly identity: string | undefined
  readonly roles: readonly string[] | undefined
  /** These roles and no more. */
  readonly exactly: boolean
}

/** What a claim says of a topic filter; `subscribe` in a claim means what may be sent. */
export interface ClaimedAction {
  readonly action: 'publish' | 'receive'
  readonly filters: readonly FilterTemplate[]
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly payloadBytes: number
}

/** A promise of the set for every identity that there can be (docs/semantics.md 6). */
export type Claim = {
  readonly where: Where
  /** As a person would say it in one line. */
  readonly text: string
  /** Why the set is loaded although the claim could not be decided within the budget. */
  readonly assume: string | undefined
} & (
  | {
      readonly kind: 'isolated'
      readonly people: PeopleClass
      readonly by: readonly string[]
      readonly except: readonly TopicFilter[]
    }
  | {
      readonly kind: 'noFlow'
      readonly from: PeopleClass
      readonly to: PeopleClass
      readonly relays: readonly PeopleClass[]
    }
  | { readonly kind: 'only' | 'never' | 'every'; readonly people: PeopleClass; readonly can: ClaimedAction }
)

/** A claim about what one person can do. */
export type ActionClaim = Extract<Claim, { readonly can: ClaimedAction }>

export interface PolicySet {
  /** Names of the files that the set was read from, sorted. */
  readonly files: readonly string[]
  readonly constants: ReadonlyMap<string, string | readonly string[]>
  readonly identities: ReadonlyMap<string, IdentityRule>
  readonly roles: ReadonlyMap<string, Role>
  readonly members: readonly MemberTable[]
  readonly settings: Settings
  readonly tests: readonly PolicyTest[]
  readonly claims: readonly Claim[]
}

/** An identity that a certificate was found to be: its kind and what was captured. */
export interface MappedIdentity {
  readonly kind: string
  readonly captures: ReadonlyMap<string, string>
}

/** An identity with everything that its role rules may use: what `decide/` compiles. */
export interface RightsHolder {
  readonly identity: MappedIdentity
  /** Roles in force: the identity's own, those of its member rows, and `everyone`. */
  readonly roles: readonly string[]
  /** Values of every variable: captures, `set`, members' columns, constants. A list variable has several values or none. */
  readonly variables: ReadonlyMap<string, readonly string[]>
}
