/** Where the tool speaks: answers on stdout, talk on stderr, both escaped; colour only on a terminal. */
import pc from 'picocolors'
import { escapeTerminal } from '../observe/escape-terminal.ts'
import { formatWhere, type Problem } from '../problem.ts'

/** A role of a line, not a colour: what it looks like is decided here. */
export type Tone = 'plain' | 'good' | 'bad' | 'faint'

function writeLine(stream: NodeJS.WriteStream, line: string, tone: Tone): void {
  const colors = pc.createColors(stream.isTTY === true && !process.env['NO_COLOR'])
  const paint = { plain: (text: string) => text, good: colors.green, bad: colors.red, faint: colors.dim }[tone]
  stream.write(`${paint(escapeTerminal(line))}\n`)
}

/** One line of talk, on stderr. */
export function say(line: string, tone: Tone = 'plain'): void {
  writeLine(process.stderr, line, tone)
}

/** One line of the answer, on stdout. */
export function answer(line: string, tone: Tone = 'plain'): void {
  writeLine(process.stdout, line, tone)
}

/** The answer for a machine, on stdout. */
export function answerJson(value: unknown): void {
  // line breaks of JSON text are only ever its layout: those of values are escaped already
  for (const line of JSON.stringify(value, null, 2).split('\n')) answer(line)
}

/** A problem as a person reads it: `formatProblem`, line by line, so that no value can forge a line. */
export function problemLines(p: Problem): readonly string[] {
  const place = p.where === undefined ? '' : `${formatWhere(p.where)}: `
  return [`${place}${p.code}: ${p.sentence}`, ...(p.help === undefined ? [] : [`  help: ${p.help}`])]
}

/** Problems on stderr. */
export function sayProblems(problems: readonly Problem[]): void {
  for (const p of problems) {
    problemLines(p).forEach((line, index) => {
      say(line, index === 0 ? 'bad' : 'plain')
    })
  }
}

/** `1 problem`, `10 problems`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
