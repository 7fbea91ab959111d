/**
 * Trace: the events that a host may watch. A library does not log; it tells, and `observe/` or the host writes.
 * A leaf. No event ever carries a payload, a password or a key.
 */
import type { Problem, ProblemCode, Where } from './problem.ts'

/** Who an event is about, as far as known at that point. */
export interface TracedPeer {
  readonly address: string
  /** SHA-256 of the leaf certificate, lower-case hex. */
  readonly fingerprint?: string
  /** Subject of the leaf for display, RFC 4514 style; present before an identity is known. */
  readonly subject?: string
  /** `device:site=s1,device=pump-7`: the identity in the form that `policy explain` takes. */
  readonly who?: string
  readonly clientId?: string
}

/** What was attempted, in the words that `policy explain` takes. */
export interface TracedAction {
  readonly verb: 'connect' | 'publish' | 'subscribe' | 'receive' | 'will'
  readonly topic: string
  readonly qos?: number
  readonly retain?: boolean
  readonly payloadBytes?: number
}

/** A rule that permitted something. Every `Rule` of a policy set is one. */
export interface RuleRef {
  readonly role: string
  readonly effect: 'allow' | 'deny'
  readonly action: string
  /** Its filters as written. */
  readonly filters: readonly { readonly text: string }[]
  readonly where: Where
}

/** Which permits are told: none, the first use of each rule by a session under one policy revision, or all. */
export type PermitsMode = 'none' | 'distinct' | 'all'

export type TraceEvent =
  /** TLS did not come up, or its certificate is not to be trusted: nothing was read from the peer. */
  | { readonly event: 'handshake-refused'; readonly peer: TracedPeer; readonly problem: Problem }
  /** A CONNECT was refused, or never came. */
  | {
      readonly event: 'connect-refused'
      readonly peer: TracedPeer
      readonly problem: Problem
      readonly action?: TracedAction
    }
  | { readonly event: 'connected'; readonly peer: TracedPeer; readonly revision: string }
  | { readonly event: 'disconnected'; readonly peer: TracedPeer; readonly problem?: Problem }
  /** An action of a bound session was refused, or a delivery to it cut. */
  | {
      readonly event: 'refused'
      readonly peer: TracedPeer
      readonly action: TracedAction
      readonly problem: Problem
      readonly revision: string
    }
  /** As `refused`, but topics are only reported: it was let pass. */
  | {
      readonly event: 'would-refuse'
      readonly peer: TracedPeer
      readonly action: TracedAction
      readonly problem: Problem
      readonly revision: string
    }
  /** The candidate set would have decided otherwise: its problem where it refuses, its rules where it permits. */
  | {
      readonly event: 'candidate-differs'
      readonly peer: TracedPeer
      readonly action: TracedAction
      /** What was done. */
      readonly effect: 'permit' | 'refuse'
      readonly candidate: 'permit' | 'refuse'
      readonly problem?: Problem
      readonly rules?: readonly RuleRef[]
      readonly revision: string
      readonly candidateRevision: string
    }
  | { readonly event: 'candidate-loaded'; readonly revision: string; readonly rules: number; readonly tests: number }
  /** A changed candidate folder does not load: the candidate before it stays. */
  | { readonly event: 'candidate-refused'; readonly problems: readonly Problem[]; readonly revision: string }
  /** An action of a bound session was permitted; only as far as a PermitsMode wants to know. */
  | {
      readonly event: 'permitted'
      readonly peer: TracedPeer
      readonly action: TracedAction
      readonly rules: readonly RuleRef[]
      /** A subscription to more than is allowed: delivery brings the allowed part. */
      readonly narrowed?: true
      readonly revision: string
    }
  /** Refusals that were counted instead of told one by one, for want of budget. */
  | {
      readonly event: 'suppressed'
      /** Whose they are: a certificate, or an address. Absent: of many that could not be told apart for their number. */
      readonly peer?: TracedPeer
      readonly count: number
      /** `count` again, by problem code. */
      readonly codes: Readonly<Partial<Record<ProblemCode, number>>>
      /** Time since the first refusal of this count, told or not. */
      readonly seconds: number
    }
  | {
      readonly event: 'policy-loaded'
      readonly revision: string
      /** Of the signed bundle that it came in. */
      readonly version?: number
      readonly rules: number
      readonly tests: number
    }
  /** What a change of the policy in force means, told after it: who gains and who loses what. `more` were left out. */
  | {
      readonly event: 'policy-changed'
      readonly before: string
      readonly revision: string
      readonly changes: readonly string[]
      readonly more: number
    }
  /** A changed policy folder does not load: the revision in force stays. */
  | { readonly event: 'policy-refused'; readonly problems: readonly Problem[]; readonly revision: string }
  /** A changed CRL was taken over, or why it was not; or something that an operator must look at. */
  | { readonly event: 'revocations-loaded'; readonly issuer: string; readonly entries: number }
  /** Changed CA certificates were taken over; `certificates` counts roots too. */
  | { readonly event: 'issuers-loaded'; readonly issuers: number; readonly certificates: number }
  /** The broker's own changed certificate was taken over, for connections from now on. */
  | { readonly event: 'certificate-loaded'; readonly subject: string; readonly notAfter: string }
  | { readonly event: 'alarm'; readonly problem: Problem }
  /** An operator ended a session: its connection, and where `forgotten` what was kept of it. */
  | { readonly event: 'kicked'; readonly peer: TracedPeer; readonly by: string; readonly forgotten: boolean }
  /** Everything was read anew because somebody asked for it; `refused` counts what was not taken over, told before. */
  | { readonly event: 'reloaded'; readonly refused: number }
  /** The broker was told to stop: it takes no more connections after `graceSeconds`, and ends those of its sessions. */
  | {
      readonly event: 'stopping'
      readonly signal: string
      readonly sessions: number
      readonly graceSeconds: number
      readonly drainSeconds: number
    }
  /** The enrolment service gave a device a certificate. */
  | {
      readonly event: 'enrolled'
      readonly peer: TracedPeer
      /** What it was let in by. */
      readonly by: 'token' | 'certificate'
      readonly serial: string
      readonly notAfter: string
      /** Serials of the certificates that it replaces. */
      readonly superseded: readonly string[]
    }
  /** The enrolment service refused a request, with this HTTP status. */
  | {
      readonly event: 'enrol-refused'
      readonly peer: TracedPeer
      readonly route: string
      readonly status: number
      readonly problem: Problem
    }

export type Trace = (event: TraceEvent) => void

/** Watches nothing. */
export const nullTrace: Trace = () => {}
