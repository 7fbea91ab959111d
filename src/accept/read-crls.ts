/** The CRLs of one file. */
import { fail, problem, type Result } from '../problem.ts'
import { type Crl, parseCrlFileInSlices } from './crl.ts'

/** Every problem says which file it is about. */
export async function readCrls(
  file: string,
  readFile: (path: string) => Promise<Buffer>,
): Promise<Result<readonly Crl[]>> {
  const where = { file }
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'no reason given'
    return fail(problem('accept/unreadable-crl', `the CRL cannot be read (${reason})`, { where }))
  }
  const parsed = await parseCrlFileInSlices(bytes)
  return parsed.ok ? parsed : fail({ ...parsed.problem, where })
}
