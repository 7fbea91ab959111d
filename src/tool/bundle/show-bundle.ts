/** `policy bundle --verify FILE --key PUBLIC`: what a bundle holds; exit code 2 where no gate with that key would take it. */

import { readBundle } from '../../source/bundle.ts'
import { checkTimes } from '../../source/bundle-content.ts'
import { readBundleKey } from '../../source/bundle-key.ts'
import { exitCodes } from '../exit-codes.ts'
import { answer, answerJson, sayProblems } from '../io.ts'
import { contentJson, contentLines } from './bundle-text.ts'

export async function showBundle(file: string, keyFile: string, json: boolean): Promise<void> {
  const key = await readBundleKey(keyFile)
  const bundle = await readBundle(file, key)
  const verdict = bundle.ok ? checkTimes(bundle.value.content, Date.now()) : bundle
  if (!verdict.ok) {
    sayProblems([{ ...verdict.problem, where: { file } }])
    process.exitCode = verdict.problem.code === 'source/bundle-unreadable' ? exitCodes.invalid : exitCodes.no
  }
  // what is not signed by the key is not shown: it may be anybody's
  if (!bundle.ok) return
  if (json) answerJson({ ...(await contentJson(bundle.value.content, key)), files: bundle.value.content.files })
  else for (const line of await contentLines(bundle.value.content, key)) answer(line)
}
