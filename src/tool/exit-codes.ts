/** Exit codes of every command, and how a help text shows them. */

export const exitCodes = {
  /** Done; permitted. */
  done: 0,
  /** Something failed that no file or argument is to blame for. */
  failed: 1,
  /** The answer is no: refused, a test failed. */
  no: 2,
  /** The policy set, a certificate or the configuration is invalid. */
  invalid: 3,
  /** The command line is wrong. */
  usage: 64,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Last lines of every help text. */
export const exitCodesHelp = `Exit codes: 0 done or permitted · 1 failed · 2 the answer is no (refused, a test failed)
            3 invalid policy, certificate or configuration · 64 wrong usage`
