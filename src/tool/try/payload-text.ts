/** A payload for one line of a terminal: text as it is, other bytes in hexadecimal, long ones cut short. */

const longestBytes = 1000

export function payloadText(payload: Buffer | string): string {
  const bytes = Buffer.from(payload)
  const shown = bytes.subarray(0, longestBytes)
  const rest = bytes.length > longestBytes ? ` … (${bytes.length} bytes)` : ''
  try {
    // a character cut in half at the end is not what makes it binary
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(shown, { stream: rest !== '' }) + rest
  } catch {
    return `0x${shown.toString('hex')}${rest}`
  }
}
