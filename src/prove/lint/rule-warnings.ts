/** Rules that do nothing, or more than is probably meant. Pure. */
import { type FilterTemplate, variablesOf } from '../../policy/filter-template.ts'
import type { IdentityRule, PolicySet, Rule } from '../../policy/model.ts'
import { everyone } from '../../policy/rights-holder.ts'
import { assignments, filterIn } from '../assign.ts'
import { Bindings } from '../bindings.ts'
import { grantsMeeting } from '../grant-index.ts'
import { meetFilters } from '../meet-filters.ts'
import { filtersOf, type Person, type SymbolicGrant } from '../person.ts'
import { leastRoleSets, peopleOf, undeniedTopic, type World } from '../reach.ts'
import { asking } from '../too-complex.ts'
import type { Warning } from './lint-policy.ts'

export function ruleWarnings(world: World): readonly Warning[] {
  return [...world.set.roles.values()].flatMap(role => {
    const holders = holdersOf(world.set, role.name)
    // a role that nobody has is one warning, not one for each rule
    if (holders.length === 0) return []
    return role.rules.flatMap(rule =>
      rule.filters.flatMap(template =>
        asking(template.where, () =>
          rule.effect === 'allow'
            ? [...dead(world, rule, template, holders), ...broad(rule, template), ...shared(rule, template, holders)]
            : idle(world, rule, template, holders),
        ),
      ),
    )
  })
}

function holdersOf(set: PolicySet, role: string): readonly IdentityRule[] {
  return [...set.identities.values()].filter(
    rule => role === everyone || rule.roles.includes(role) || rule.mayAlsoHave.includes(role),
  )
}

function warning(
  name: Warning['name'],
  { accept }: Rule,
  { where }: FilterTemplate,
  sentence: string,
  help: string,
): Warning {
  return { name, sentence, help, where, accept }
}

/** Denies of those who have it take all of it, whoever they are. */
function dead(
  world: World,
  rule: Rule,
  template: FilterTemplate,
  holders: readonly IdentityRule[],
): readonly Warning[] {
  const direction = rule.action === 'publish' ? 'publish' : 'receive'
  const cells = rule.action === 'publish' && rule.retain === undefined ? [false, true] : [rule.retain ?? false]
  const isAlive = holders.some(holder =>
    leastRoleSets(holder, rule.role, () => true).some(roles =>
      peopleOf(world, holder, 'one').some(person =>
        filtersOf(template, person).some(levels => {
          world.budget.spend()
          for (const assignment of assignments([person], new Bindings(), world.named))
            for (const retain of cells)
              if (
                undeniedTopic(
                  world,
                  filterIn(levels, assignment),
                  [[{ person, roles, direction }, retain]],
                  assignment,
                ) !== undefined
              )
                return true
          return false
        }),
      ),
    ),
  )
  if (isAlive || isWithoutValues(template, holders, world)) return []
  return [
    warning(
      'dead-rule',
      rule,
      template,
      `\`${template.text}\` allows nothing: denies take all of it`,
      'narrow the deny',
    ),
  ]
}

/** Lists that are empty today are no mistake: tables grow. */
function isWithoutValues(template: FilterTemplate, holders: readonly IdentityRule[], world: World): boolean {
  return holders.every(holder =>
    peopleOf(world, holder, 'one').every(person => filtersOf(template, person).length === 0),
  )
}

function broad(rule: Rule, template: FilterTemplate): readonly Warning[] {
  const [first] = template.levels
  if (first?.kind !== 'plus' && first?.kind !== 'hash') return []
  const sentence = `\`${template.text}\` begins with a wildcard: it reaches every other use of the broker`
  return [warning('broad-filter', rule, template, sentence, 'begin it with the first level that is meant')]
}

/** Everybody of an identity may publish the same, and so as each other. */
function shared(rule: Rule, template: FilterTemplate, holders: readonly IdentityRule[]): readonly Warning[] {
  if (rule.action !== 'publish' || variablesOf(template).length > 0) return []
  const all = holders.find(
    ({ roles, captures, membersOnly }) => roles.includes(rule.role) && captures.length > 0 && !membersOnly,
  )
  if (all === undefined) return []
  const sentence = `every ${all.name} may publish \`${template.text}\`: one can speak as another`
  return [
    warning(
      'shared-right',
      rule,
      template,
      sentence,
      `put a capture into it (${all.captures.map(name => `\`\${${name}}\``).join(', ')})`,
    ),
  ]
}

/** It meets no allow of anybody who has it. */
function idle(
  world: World,
  rule: Rule,
  template: FilterTemplate,
  holders: readonly IdentityRule[],
): readonly Warning[] {
  const isTaken = ({ rule: one }: SymbolicGrant): boolean =>
    (one.action === 'publish') === (rule.action === 'publish') &&
    (rule.retain ?? one.retain) === (one.retain ?? rule.retain)
  const meets = (holder: IdentityRule, person: Person): boolean =>
    filtersOf(template, person).some(denied => {
      const roles = [...holder.roles, ...holder.mayAlsoHave]
      for (const allow of grantsMeeting({ set: world.set, person, roles }, 'allow', denied, world.budget))
        if (isTaken(allow) && meetFilters(allow.levels, denied, new Bindings()) !== undefined) return true
      return false
    })
  const takes = holders.some(holder => peopleOf(world, holder, 'one').some(person => meets(holder, person)))
  if (takes || isWithoutValues(template, holders, world)) return []
  return [
    warning(
      'idle-deny',
      rule,
      template,
      `the deny of \`${template.text}\` takes nothing from anybody`,
      'compare it with the allow that it is meant for',
    ),
  ]
}
