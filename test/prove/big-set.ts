/** A set of the size of a large plant: 60 roles, 400 rules, several roots, many holders and denies. The same every time. */

const areas = ['press', 'paint', 'assembly', 'logistics', 'energy', 'water', 'quality', 'maintenance', 'security', 'it']
const things = ['telemetry', 'command', 'state', 'alarm', 'config', 'firmware', 'log', 'recipe', 'order', 'inventory']
const roots = ['plant', 'fleet', 'building', '$aws', 'weather', 'erp']
const jobs = ['sensor', 'actuator', 'gateway', 'operator', 'auditor', 'planner']

/** Not random, but as irregular as if it were. */
function pick<T>(list: readonly T[], seed: number): T {
  return list[(seed * 7919 + (seed >> 3) * 104_729) % list.length] as T
}

function filterOf(seed: number): string {
  const root = pick(roots, seed)
  const area = pick(areas, seed + 1)
  const thing = pick(things, seed * 3 + 2)
  const tails = [`${thing}/#`, `${thing}/\${command}`, thing, `+/${thing}`, `${thing}/raw/+/value`, '#']
  const tail = pick(tails, seed * 5 + 1)
  const heads = [
    `${root}/\${site}/\${device}`,
    `${root}/${area}/\${device}`,
    `${root}/+/${area}`,
    `${root}/${area}/line/+`,
  ]
  return `${pick(heads, seed * 11 + 3)}/${tail}`
}

function ruleOf(seed: number): { effect: 'allow' | 'deny'; text: string } {
  const effect = seed % 9 === 4 ? 'deny' : 'allow'
  const denied = ['publish', 'receive', 'subscribe'] as const
  const action = effect === 'deny' ? pick(denied, seed) : pick(['publish', 'subscribe'] as const, seed * 13)
  const conditions = effect === 'allow' && seed % 4 === 0 ? [`maxQos: ${seed % 3}`] : []
  if (effect === 'allow' && action === 'publish' && seed % 5 === 0)
    conditions.push('retain: false', 'maxPayloadBytes: 4096')
  return { effect, text: `{ ${[`${action}: "${filterOf(seed)}"`, ...conditions].join(', ')} }` }
}

/** One YAML file, without its line `portcullis: 1`. */
export function bigSet(): string {
  const names = areas.flatMap(area => jobs.map(job => `${area}-${job}`))
  const rules = names.map((_, role) =>
    Array.from({ length: role % 3 === 0 ? 6 : 7 }, (__, index) => ruleOf(role * 7 + index)),
  )
  const roles = names.map((name, role) => {
    const list = (effect: 'allow' | 'deny'): string =>
      (rules[role] ?? []).flatMap(rule => (rule.effect === effect ? [`      - ${rule.text}\n`] : [])).join('')
    return `  ${name}:\n    allow:\n${list('allow')}    deny:\n${list('deny') || '      []\n'}`
  })
  const identities = areas.map((area, index) => {
    const own = jobs.slice(0, 2).map(job => `${area}-${job}`)
    const more = jobs.slice(2).map(job => `${area}-${job}`)
    const next = `${areas[(index + 1) % areas.length]}-auditor`
    return `  ${area}-device:
    from: { subject.o: ${area}, subject.ou: "\${site}", subject.cn: "\${device}" }
    clientId: "${area}/\${site}/\${device}"
    roles: [${own.join(', ')}]
    mayAlsoHave: [${[...more, next].join(', ')}]
`
  })
  return `constants:
  command: [start, stop, reset]
identities:
${identities.join('')}roles:
  everyone:
    deny:
      - publish: [plant/+/+/config/#, fleet/+/+/config/#, "$aws/+/+/firmware/#"]
      - receive: erp/+/+/inventory/#
${roles.join('')}`
}
