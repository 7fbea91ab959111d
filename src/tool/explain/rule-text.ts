/** A rule as one line, close to how it was written: `allow publish plant/${site}/${device}/state, maxQos: 1`. */
import type { Rule } from '../../policy/model.ts'

export function ruleText(rule: Rule, filters: readonly string[] = rule.filters.map(filter => filter.text)): string {
  const conditions = [
    rule.retain === undefined ? undefined : `retain: ${rule.retain}`,
    rule.maxQos === undefined ? undefined : `maxQos: ${rule.maxQos}`,
    rule.maxPayloadBytes === undefined ? undefined : `maxPayloadBytes: ${rule.maxPayloadBytes}`,
    rule.share === undefined ? undefined : `share: [${rule.share.join(', ')}]`,
  ].filter(text => text !== undefined)
  return [`${rule.effect} ${rule.action} ${filters.join(', ')} (role ${rule.role})`, ...conditions].join(', ')
}
