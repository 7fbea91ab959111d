/** Everything that the files of a set say, as far as it could be read, before its parts are checked against each other. */
import type { Role, Settings } from './model.ts'
import type { Names } from './names.ts'
import type { ClaimDraft } from './read-claims.ts'
import type { Constant } from './read-constants.ts'
import type { IdentityDraft } from './read-identities.ts'
import type { TableDraft } from './read-members.ts'
import type { TestDraft } from './read-tests.ts'

export interface Drafts {
  readonly settings: Settings
  readonly constants: Names<Constant>
  readonly identities: Names<IdentityDraft>
  readonly roles: Names<Role>
  readonly tables: Names<TableDraft>
  readonly tests: readonly TestDraft[]
  readonly claims: readonly ClaimDraft[]
}
