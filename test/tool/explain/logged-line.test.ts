/** `--log`: which line is meant, and what is said where it decides nothing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigurationError } from '../../../src/problem.ts'
import { findLoggedDecision } from '../../../src/tool/explain/logged-line.ts'

const decision = (topic: string): string =>
  JSON.stringify({ event: 'permitted', device: 'device:device=a', action: 'publish', topic })
let folder: string
let log: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-line-'))
  log = join(folder, 'decisions.log')
  const other = JSON.stringify({ event: 'disconnected\u001b', time: 'T' })
  await writeFile(log, ['not one', decision('first'), '', decision('last'), other, '{"event":'].join('\n'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const codeOf = (argument: string): Promise<unknown> =>
  findLoggedDecision(argument).catch((error: unknown) => {
    if (!(error instanceof ConfigurationError)) throw error
    return error.problems[0]
  })

test('as text, by its number, and the last decision of a file', async () => {
  expect(await findLoggedDecision(decision('text'))).toMatchObject({ line: 1, action: { topic: 'text' } })
  expect(await findLoggedDecision(`${log}:2`)).toMatchObject({ line: 2, action: { topic: 'first' } })
  expect(await findLoggedDecision(log)).toMatchObject({ line: 4, action: { topic: 'last' } })
})

test('a line that decides nothing, or is none', async () => {
  expect(await codeOf(`${log}:1`)).toMatchObject({ code: 'tool/not-a-log', where: { file: log, line: 1 } })
  expect(await codeOf(`${log}:3`)).toMatchObject({ code: 'tool/not-a-log', sentence: 'the log has no line 3' })
  expect(await codeOf(`${log}:5`)).toMatchObject({ code: 'tool/no-decision', where: { line: 5 } })
  expect(await codeOf(`${log}:6`)).toMatchObject({ code: 'tool/not-a-log', where: { line: 6 } })
  expect(await codeOf(`${log}:7`)).toMatchObject({ code: 'tool/not-a-log', sentence: 'the log has no line 7' })
  expect(await codeOf('{"event":')).toMatchObject({ code: 'tool/not-a-log', where: { file: '--log' } })
  expect(await codeOf(join(folder, 'nowhere'))).toMatchObject({ code: 'config/unreadable-file' })
  expect(await codeOf(folder)).toMatchObject({ code: 'config/unreadable-file' })
})
