/** Portcullis: TLS-bound device identity and access control for MQTT. Decisions only; no broker is imported here. */

export type { Limits } from './accept/limits.ts'
export type { IssuersConfig } from './accept/load-issuers.ts'
export { type Peer, readPeer } from './accept/peer.ts'
export type { Decision, Permit, PublishFacts, Qos, Refuse } from './decide/decision.ts'
export type { Admission, ConnectFacts, Gate } from './gate.ts'
export type { GateOptions } from './gate-options.ts'
export { logTrace } from './observe/log.ts'
export { openGate } from './open-gate.ts'
export type { MappedIdentity, Rule } from './policy/model.ts'
export {
  ConfigurationError,
  formatProblem,
  PolicyError,
  PortcullisError,
  type Problem,
  type ProblemCode,
  type Where,
} from './problem.ts'
export type { Session } from './session.ts'
export type { BundleFiles } from './source/bundle.ts'
export type { BundleFacts, LoadedPolicy } from './source/load-texts.ts'
export { nullTrace, type Trace, type TracedAction, type TracedPeer, type TraceEvent } from './trace.ts'
