/** What a new policy repository is made from: three answers, each checked before anything is written. */
import { defaultAlphabet, unsafeReason } from '../../policy/safe-value.ts'
import { fail, ok, problem, type Result } from '../../problem.ts'

export const deviceNames = ['cn', 'site-and-cn', 'san-uri'] as const
export const operatorChoices = ['none', 'san-uri'] as const

export interface Answers {
  /** First level of all topics. */
  readonly root: string
  /** Where a device's name stands in its certificate. */
  readonly deviceName: (typeof deviceNames)[number]
  readonly operators: (typeof operatorChoices)[number]
}

/** Answers as they were given: on the command line or the terminal. */
export type GivenAnswers = Readonly<Partial<Record<keyof Answers, string>>>

export interface Question {
  readonly answer: keyof Answers
  readonly flag: string
  readonly text: string
  readonly choices?: readonly string[]
  readonly default: string
}

export const questions: readonly Question[] = [
  { answer: 'root', flag: '--root', text: 'First level of all topics', default: 'plant' },
  {
    answer: 'deviceName',
    flag: '--device-name',
    text: 'Name of a device in its certificate: CN, OU and CN as site and device, or SAN URI',
    choices: deviceNames,
    default: 'cn',
  },
  {
    answer: 'operators',
    flag: '--operators',
    text: 'People who command devices: none, or named by a SAN URI',
    choices: operatorChoices,
    default: 'none',
  },
]

/**
 * One answer, if it is one. A root is a safe value: a topic level that is neither a wildcard nor special in YAML, a URI or a shell.
 * @example checkAnswer(question, 'plant')
 */
export function checkAnswer({ flag, choices }: Question, text: string): Result<string> {
  const mistake = choices === undefined ? unsafeReason(text, defaultAlphabet) : notOneOf(choices, text)
  if (mistake === undefined) return ok(text)
  const help =
    choices === undefined
      ? 'use 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`'
      : `choose one of ${choices.join(', ')}`
  return fail(problem('tool/bad-answer', `the value for ${flag} ${mistake}`, { help }))
}

function notOneOf(choices: readonly string[], text: string): string | undefined {
  return choices.includes(text) ? undefined : 'is none of the choices'
}
