/** `portcullis policy map [DIR]`: draws who may publish into which topics and who is sent them, as one HTML file. */
import type { Command } from 'commander'
import { mapBeginning, renderMap } from '../prove/map/page.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { addExitCodes } from './help.ts'
import { answer, count, sayProblems } from './io.ts'
import { unwrittenExitCode, writeOwnFile } from './write-own-file.ts'

interface MapCommandOptions {
  readonly out: string
  readonly force?: boolean
}

export function addPolicyMap(policy: Command): void {
  addExitCodes(
    policy
      .command('map')
      .description('draw roles, topics and what flows between them as an HTML file, to read and to print')
      .argument('[dir]', 'the policy folder', 'policies')
      .option('--out <file>', 'the file to write, - for stdout', 'policy-map.html')
      .option('--force', 'overwrite FILE even if it is no map')
      .action(map),
    'portcullis policy map policies --out plant.html',
  )
}

async function map(folder: string, { out, force }: MapCommandOptions): Promise<void> {
  // a map helps to find out why a test fails
  const { set, revision, rules, folder: shown } = await loadPolicyFolder(folder, { runTests: false })
  const page = renderMap(set, { folder: shown, revision })
  if (out === '-') {
    for (const line of page.trimEnd().split('\n')) answer(line)
    return
  }
  const refusal = await writeOwnFile({
    path: out,
    content: page,
    beginning: mapBeginning,
    kind: 'policy map',
    option: '--out',
    isForced: force === true,
  })
  if (refusal !== undefined) {
    sayProblems([refusal])
    process.exitCode = unwrittenExitCode(refusal)
    return
  }
  answer(`${out}: ${count(set.roles.size, 'role')}, ${count(rules, 'rule')}, revision ${revision}`, 'good')
}
