/**
 * Text as it stands in a pattern of Redis (KEYS, PSUBSCRIBE, MATCH), in which some characters stand for others.
 * @example literally('state[1]') // 'state\\[1\\]'
 */
export const literally = (text: string): string => text.replace(/[*?[\]\\^-]/g, '\\$&')
