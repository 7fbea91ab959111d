/**
 * `portcullis/provision`: the authority behind `portcullis ca` and `portcullis device`, for programs. Certificates get the names that the
 * policy set gives, the ledger knows each before anybody has it, and the CRL is written from the ledger.
 * @example
 * await createCertificateAuthority('ca', { name: 'acme', by: 'ops@host' })
 * const authority = await openCertificateAuthority('ca', { by: 'ops@host' })
 * const { set } = await loadPolicyFolder('policies', { issuers: ['acme'] })
 * const keys = createKeys('p256')
 * const plan = authority.planDevice({ set, name: 'pump-12', captures: { site: 's1' }, publicKey: keys.publicKey })
 * if (!plan.ok) throw new Error(formatProblem(plan.problem))
 * const issued = await authority.issue(plan.value)
 * authority.close()
 */

export type { PolicySet } from './policy/model.ts'
export { formatProblem, PolicyError, PortcullisError, type Problem, type ProblemCode, type Result } from './problem.ts'
export type { SignedCertificate } from './provision/authority.ts'
export type { CaFolder } from './provision/ca-folder.ts'
export {
  type AuthorityAccess,
  type CertificateAuthority,
  type Certified,
  createCertificateAuthority,
  type DeviceWish,
  type NewAuthority,
  openCertificateAuthority,
  type ServerWish,
  type Stage,
} from './provision/certificate-authority.ts'
export type { PublishedCrl } from './provision/crl-file.ts'
export type { CrlReason } from './provision/crl-writer.ts'
export { readRequest, type SigningRequest } from './provision/csr.ts'
export type { Entitlement, KnownIssuer } from './provision/entitlement.ts'
export type { LeafPlan } from './provision/issue-leaf.ts'
export { createKeys, type KeyPair, type KeyType, keyPem } from './provision/keys.ts'
export type { LedgerEvent, LedgerRecord, LedgerState } from './provision/ledger-record.ts'
export type { DevicePlan } from './provision/plan-device.ts'
export { type NewFile, requireFree, type StagedFiles, stageFiles } from './provision/staged-files.ts'
export { type FolderOptions, type LoadedPolicy, loadPolicyFolder } from './source/folder.ts'
