/** A signing request from a file, and what of it is passed over. */
import { readFile } from 'node:fs/promises'
import { ConfigurationError, problem } from '../../problem.ts'
import { readRequest, type SigningRequest } from '../../provision/csr.ts'
import { say } from '../io.ts'

/** Throws ConfigurationError where the file holds no request that can be used. */
export async function readRequestFile(file: string): Promise<SigningRequest> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    const sentence = `the signing request cannot be read (${error.code})`
    throw new ConfigurationError([problem('provision/bad-request', sentence, { where: { file } })])
  })
  const request = readRequest(bytes)
  if (!request.ok) throw new ConfigurationError([{ ...request.problem, where: { file } }])
  for (const one of request.value.ignored) say(`ignored in the request: ${one}`)
  return request.value
}
