/** Asks on a terminal what the command line left open; a wrong answer is told and asked again. */
import { createInterface } from 'node:readline/promises'
import { problem, type Result } from '../../problem.ts'
import { sayProblems } from '../io.ts'
import { checkAnswer, type GivenAnswers, type Question } from './answers.ts'

/** Fails where the input ends before the last answer. @example await ask(questions, process.stdin, process.stderr) */
export async function ask(
  open: readonly Question[],
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<Result<GivenAnswers>> {
  const terminal = createInterface({ input, output })
  const ended = new AbortController()
  terminal.once('close', () => ended.abort())
  const answers: Record<string, string> = {}
  try {
    for (const question of open) {
      let checked: Result<string>
      do {
        const typed = (await terminal.question(promptOf(question), { signal: ended.signal })).trim()
        checked = checkAnswer(question, typed === '' ? question.default : typed)
        if (!checked.ok) sayProblems([checked.problem])
      } while (!checked.ok)
      answers[question.answer] = checked.value
    }
    return { ok: true, value: answers }
  } catch (error) {
    if (!ended.signal.aborted) throw error
    return { ok: false, problem: problem('tool/bad-answer', 'the input ended before the last answer') }
  } finally {
    terminal.close()
  }
}

function promptOf({ text, choices, default: standard }: Question): string {
  return `${text}${choices === undefined ? '' : ` (${choices.join(', ')})`} [${standard}]: `
}
