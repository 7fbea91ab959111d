/** Filter templates: topic filters of rules, whose levels may be variables. `plant/${site}/${device}/#`. Pure. */
import { fail, ok, type Problem, problem, type Result, type Where } from '../problem.ts'
import { quote } from './quote.ts'
import { maxValueLength } from './safe-value.ts'
import { parseTopicFilter, type TopicFilter, wildcardMistake } from './topic.ts'

export type Level =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'plus' }
  | { readonly kind: 'hash' }
  | { readonly kind: 'variable'; readonly name: string }

export interface FilterTemplate {
  /** As written. */
  readonly text: string
  readonly levels: readonly Level[]
  readonly where: Where
}

const wholeVariable = /^\$\{([a-z][A-Za-z0-9_]*)\}$/
const misnamedVariable = /^\$\{[^{}]*\}$/
/** A safe value has 64 characters, and a widened alphabet some of four bytes. */
const longestValue = 'x'.repeat(maxValueLength * 4)

function parseLevel(text: string, illegal: (sentence: string, help: string) => Problem): Result<Level> {
  if (text === '+') return ok({ kind: 'plus' })
  if (text === '#') return ok({ kind: 'hash' })
  const variable = wholeVariable.exec(text)?.[1]
  if (variable !== undefined) return ok({ kind: 'variable', name: variable })
  if (misnamedVariable.test(text))
    return fail(
      illegal(
        `${quote(text)} is no variable`,
        'in a filter it is written `${name}`: a lower-case letter, then letters, digits and `_`, and no kind such as `:alnum`',
      ),
    )
  if (text.includes('${')) {
    return fail(
      problem(
        'policy/partial-variable',
        `${quote(text)} mixes a variable with other text: a variable fills a whole level`,
        { help: 'give the variable a level of its own, such as `plant/${site}/${device}`' },
      ),
    )
  }
  if (/[{}]/.test(text))
    return fail(illegal(`the level ${quote(text)} holds a brace`, `did you mean \`\${${likelyName(text)}}\`?`))
  if (text.includes('*'))
    return fail(
      illegal(
        `the level ${quote(text)} holds \`*\`, which MQTT does not know`,
        'write `+` for one level or `#` for all that follow',
      ),
    )
  return ok({ kind: 'literal', text })
}

/** The name that somebody meant who wrote braces without `$`; always one that would be accepted. */
function likelyName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_]/g, '').replace(/^[^A-Za-z]+/, '')
  return name === '' ? 'device' : name.charAt(0).toLowerCase() + name.slice(1)
}

/**
 * Parses the filter of a rule.
 * @example parseFilterTemplate('plant/${site}/#', { file: 'policies/plant.yaml', line: 3 })
 */
export function parseFilterTemplate(text: string, where: Where): Result<FilterTemplate> {
  const illegal = (sentence: string, help?: string): Problem =>
    problem('policy/illegal-filter', sentence, { where, help })
  if (text === '$share' || text.startsWith('$share/'))
    return fail(illegal('`$share/…` is no filter of a rule', 'write the filter and `share: [group]`'))
  const parts = text.split('/')
  const mistake = wildcardMistake(parts)
  if (mistake !== undefined)
    return fail(
      illegal(`${quote(text)} is no topic filter: ${mistake}`, 'a wildcard fills a whole level, and `#` stands last'),
    )
  const filled = (value: string): Result<TopicFilter> => parseTopicFilter(text.replaceAll(/\$\{[^}/]*\}/g, value))
  const plain = filled('x')
  if (!plain.ok) return fail(illegal(`${quote(text)} is no topic filter`, plain.problem.sentence))
  const levels: Level[] = []
  for (const part of parts) {
    const level = parseLevel(part, illegal)
    if (!level.ok) return fail({ ...level.problem, where })
    levels.push(level.value)
  }
  // told here, since later it would be a programming error in the middle of a log-in
  if (!filled(longestValue).ok)
    return fail(
      illegal(`${quote(text)} is too long once its variables have values`, 'a filter has at most 65535 bytes'),
    )
  return ok({ text, levels, where })
}

/** A level as it is written in a filter. */
export function levelText(level: Level): string {
  if (level.kind === 'literal') return level.text
  if (level.kind === 'variable') return `\${${level.name}}`
  return level.kind === 'plus' ? '+' : '#'
}

/** Names of the variables of a template, each once. */
export function variablesOf(template: FilterTemplate): readonly string[] {
  return [...new Set(template.levels.flatMap(level => (level.kind === 'variable' ? [level.name] : [])))]
}

type Variables = ReadonlyMap<string, readonly string[]>

function valuesOf(name: string, variables: Variables): readonly string[] {
  const values = variables.get(name)
  if (values === undefined) throw new TypeError(`variable ${name} has no value`)
  return values
}

/** How many filters `expandFilter` would give. */
export function countExpansions(template: FilterTemplate, variables: Variables): number {
  return variablesOf(template).reduce((product, name) => product * valuesOf(name, variables).length, 1)
}

function filledLevel(level: Level, chosen: ReadonlyMap<string, string>): string {
  return level.kind === 'variable' ? (chosen.get(level.name) as string) : levelText(level)
}

/**
 * One filter per combination of values; a variable has the same value wherever it stands in one filter.
 * @throws TypeError on a value that would be more than one literal level: such a value must never have come this far.
 */
export function expandFilter(template: FilterTemplate, variables: Variables): readonly TopicFilter[] {
  let choices: ReadonlyMap<string, string>[] = [new Map()]
  for (const name of variablesOf(template)) {
    const values = valuesOf(name, variables)
    choices = choices.flatMap(chosen => values.map(value => new Map(chosen).set(name, value)))
  }
  return choices.map(chosen => {
    for (const value of chosen.values()) {
      if (value === '' || value.startsWith('$') || /[/+#\u0000]/.test(value))
        throw new TypeError('an unsafe value reached a filter')
    }
    const filter = parseTopicFilter(template.levels.map(level => filledLevel(level, chosen)).join('/'))
    if (!filter.ok) throw new TypeError(filter.problem.sentence)
    return filter.value
  })
}
