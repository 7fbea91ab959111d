/** The body of an EST request: PKCS#10 in base64 (RFC 8951 §3.1), counted while it comes, whatever its length was said to be. */
import type { IncomingMessage } from 'node:http'
import { fail, ok, type Problem, problem, type Result } from '../../problem.ts'
import { badRequest, type EstRefusal } from './est-answer.ts'
import type { EstLimits } from './est-limits.ts'

/** What the headers say against the body, before any of it is read. */
export function bodyObjection({ headers }: IncomingMessage, { bodyBytes }: EstLimits): EstRefusal | undefined {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/pkcs10') return badRequest(415, 'the content type is not application/pkcs10')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return badRequest(415, 'the content has an encoding, such as gzip')
  }
  return Number(headers['content-length'] ?? 0) > bodyBytes ? tooLarge(bodyBytes) : undefined
}

function tooLarge(bodyBytes: number): EstRefusal {
  return badRequest(413, `the request is larger than ${bodyBytes} bytes`)
}

/** The octets of the body; refused where there are more than so many, or where the client goes away before. */
export function readBody(request: IncomingMessage, bodyBytes: number): Promise<Buffer | EstRefusal> {
  const gone = badRequest(400, 'the client went away before its request was whole')
  // it would say so no more
  if (request.destroyed) return Promise.resolve(gone)
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > bodyBytes) end(() => resolve(tooLarge(bodyBytes)))
      else chunks.push(chunk)
    }
    const onEnd = (): void => end(() => resolve(Buffer.concat(chunks)))
    const onGone = (): void => end(() => resolve(gone))
    const end = (settle: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      settle()
    }
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/** Line breaks are tolerated (RFC 8951 §3.1 has them of older clients), anything else that is no base64 is not. */
export function decodeBase64(body: Buffer): Result<Buffer> {
  const text = body.toString('latin1').replace(/[\r\n]/g, '')
  const isWhole = text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
  const der = Buffer.from(text, 'base64')
  // one text for one request: the bits that padding leaves over are zero
  return isWhole && der.toString('base64') === text ? ok(der) : fail(notBase64)
}

const notBase64: Problem = problem('provision/bad-request', 'the signing request is not base64 of DER')
