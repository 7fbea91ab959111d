/** What the readers of the decision log have in common: a line as fields, and the forms of what stands in them. Pure. */

export type LogFields = Readonly<Record<string, unknown>>

/** Undefined where the line is no JSON object. */
export function readFields(text: string): LogFields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as LogFields) : undefined
  } catch {
    return undefined
  }
}

/** A number as we write one: a line may say anything. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/**
 * Milliseconds since 1970 of a time in UTC (ISO 8601), as the log writes it; undefined where it is anything else.
 * @example readUtcTime('2026-11-28T10:00:00.000Z')
 */
export function readUtcTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}
