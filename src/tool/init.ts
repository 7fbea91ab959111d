/** `portcullis init [DIR]`: a policy repository of one's own, whose policies load, with tests, claims, CI and a commit hook. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { shellQuote } from '../policy/shell-quote.ts'
import { type Problem, problem } from '../problem.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import {
  type Answers,
  checkAnswer,
  deviceNames,
  type GivenAnswers,
  operatorChoices,
  questions,
} from './init/answers.ts'
import { ask } from './init/ask.ts'
import { newFiles, writeNew } from './init/scaffold.ts'
import { answer, say, sayProblems } from './io.ts'

interface InitOptions extends GivenAnswers {
  readonly yes?: boolean
}

export function addInit(program: Command): void {
  addExitCodes(
    program
      .command('init')
      .description('write a policy repository of your own: policies, tests, claims, CI and a commit hook')
      .argument('[dir]', 'the folder; nothing in it is overwritten', '.')
      .option('--root <level>', 'the first level of all topics')
      .option('--device-name <where>', `where a certificate names its device: ${deviceNames.join(', ')}`)
      .option('--operators <who>', `people who command devices: ${operatorChoices.join(', ')}`)
      .option('--yes', 'ask nothing: plant, cn and none for what is not given')
      .action(init),
    'portcullis init my-policies --root plant --device-name site-and-cn --operators san-uri',
  )
}

async function init(folder: string, options: InitOptions): Promise<void> {
  const mistakes = questions.flatMap(question => {
    const given = options[question.answer]
    const checked = given === undefined ? undefined : checkAnswer(question, given)
    return checked === undefined || checked.ok ? [] : [checked.problem]
  })
  if (mistakes.length > 0) return end(mistakes, exitCodes.usage)
  const answers = await complete(options)
  if (answers === undefined) return
  const files = newFiles(answers)
  const failures = await writeNew(folder, files)
  if (failures.length > 0) return end(failures, exitCodes.failed)
  for (const { path } of files) answer(join(folder, path))
  sayNext(folder)
}

/** What was given, and what a terminal answers; undefined, told, where there is none. */
async function complete(options: InitOptions): Promise<Answers | undefined> {
  const { yes, ...given } = options
  const open = questions.filter(question => given[question.answer] === undefined)
  if (yes || open.length === 0)
    return { ...Object.fromEntries(open.map(one => [one.answer, one.default])), ...given } as unknown as Answers
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    const flags = open.map(({ flag }) => flag).join(', ')
    end(
      [
        problem(
          'tool/bad-answer',
          `this is no terminal to ask on, and ${flags} ${open.length === 1 ? 'is' : 'are'} missing`,
          {
            help: 'give them, or take what is usual with --yes',
          },
        ),
      ],
      exitCodes.usage,
    )
    return undefined
  }
  const asked = await ask(open, process.stdin, process.stderr)
  if (asked.ok) return { ...given, ...asked.value } as unknown as Answers
  end([asked.problem], exitCodes.usage)
  return undefined
}

function end(problems: readonly Problem[], code: number): void {
  sayProblems(problems)
  process.exitCode = code
}

function sayNext(folder: string): void {
  say('next:')
  if (folder !== '.') say(`  cd -- ${shellQuote(folder)}`)
  if (!existsSync(join(folder, '.git'))) say('  git init')
  if (!existsSync(join(folder, 'package.json'))) say('  npm init -y')
  say('  npm install --save-dev portcullis')
  say('  git config core.hooksPath .githooks')
  say('  npx --no -- portcullis policy check --strict')
}
