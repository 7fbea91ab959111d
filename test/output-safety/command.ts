/** Runs the command as test/cli does, its words quoted and its colours off. */
import { type Output, run } from '../cli/script.ts'
import { word } from './fleet.ts'

/** `portcullis` with these words, in this folder. `before` stands before the command, such as `TMPDIR=/nowhere`. */
export function portcullis(folder: string, words: readonly string[], before = ''): Promise<Output> {
  return run(`NO_COLOR=1 ${before} portcullis ${words.map(word).join(' ')}`, folder)
}

/** One run after the other for each text; all that they said on stdout and stderr. */
export async function portcullisEach(
  folder: string,
  texts: readonly string[],
  wordsOf: (text: string) => readonly string[],
): Promise<readonly Output[]> {
  const outputs: Output[] = []
  for (const text of texts) outputs.push(await portcullis(folder, wordsOf(text)))
  return outputs
}

export const said = (outputs: readonly Output[]): string => outputs.map(one => one.stdout + one.stderr).join('')
