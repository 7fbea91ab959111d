/** The map of a policy set: what it says is true, nothing in it overlaps or is cut, and no name gets out of its place. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeVisible } from '../../src/observe/escape-html.ts'
import { parseFilterTemplate } from '../../src/policy/filter-template.ts'
import { loadPolicySet } from '../../src/policy/load.ts'
import type { IdentityRule, PolicySet, Rule } from '../../src/policy/model.ts'
import { defaultAlphabet } from '../../src/policy/safe-value.ts'
import { textWidth } from '../../src/prove/map/advance-widths.ts'
import type { Drawing, Label, Shape, Strip } from '../../src/prove/map/drawing.ts'
import { layoutTree } from '../../src/prove/map/layout.ts'
import { layoutLegend } from '../../src/prove/map/legend.ts'
import { renderMap } from '../../src/prove/map/page.ts'
import { layoutPeople } from '../../src/prove/map/people.ts'
import { type Relations, relationsOf } from '../../src/prove/map/relations.ts'
import { styleSheet } from '../../src/prove/map/style.ts'
import { ascent, descent, flow } from '../../src/prove/map/text-flow.ts'
import { topicTree } from '../../src/prove/map/tree.ts'
import { everyName, expectClean, topicLevels } from '../output-safety/fleet.ts'
import { referenceMatches, topics } from '../reference/match.ts'
import { must, setOf } from '../support/policy-set.ts'
import { checkCostlyProperty, checkProperty } from '../support/property.ts'
import { bigSet } from './big-set.ts'

const read = (name: string): string => readFileSync(new URL(`../../policies/${name}`, import.meta.url), 'utf8')

function sampleSet(): PolicySet {
  const files = ['plant.yaml', 'fleet.csv'].map(name => ({ name, text: read(name) }))
  const { set, problems } = loadPolicySet(files, { folder: 'policies' })
  expect(problems).toEqual([])
  return set as PolicySet
}

const sample = sampleSet()
const big = setOf(bigSet())

const legend = layoutLegend()

/** Every drawing of a page. */
function drawingsOf(set: PolicySet): readonly Drawing[] {
  const relations = relationsOf(set)
  const trees = topicTree(relations.entries).map(root => layoutTree(root, relations))
  return [legend, layoutPeople(set, relations), ...trees]
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

const boxOf = ({ x, y, width, size }: Label): Box => ({
  left: x,
  right: x + width,
  top: y - ascent(size),
  bottom: y + descent(size),
})
const textOf = ({ runs }: Label): string => runs.map(run => run.text).join('')
const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
/** Sums of hundredths are not exact. */
const tolerance = 0.01
const isWithin = (inner: Box, outer: Box): boolean =>
  inner.left >= outer.left - tolerance &&
  inner.right <= outer.right + tolerance &&
  inner.top >= outer.top - tolerance &&
  inner.bottom <= outer.bottom + tolerance

function overlapsIn(labels: readonly Label[]): readonly string[] {
  const placed = labels.map(label => ({ text: textOf(label), box: boxOf(label) })).sort((a, b) => a.box.top - b.box.top)
  const found: string[] = []
  for (const [index, a] of placed.entries())
    for (const b of placed.slice(index + 1)) {
      if (b.box.top >= a.box.bottom) break
      if (meet(a.box, b.box)) found.push(`${a.text} and ${b.text}`)
    }
  return found
}

type DrawnBox = Extract<Shape, { kind: 'box' }>

/** Cards, and all else that has an edge around its text. */
const framesOf = (shapes: readonly Shape[]): readonly DrawnBox[] =>
  shapes.filter(shape => shape.kind === 'box').filter(({ look }) => look !== 'band' && look !== 'number')

const edgesOf = ({ x, y, width, height }: DrawnBox): Box => ({ left: x, right: x + width, top: y, bottom: y + height })

function faultsOf(drawing: Drawing): readonly string[] {
  const { width, height, strips } = drawing
  const inStrip = (strip: Strip): readonly string[] => {
    const labels = strip.groups.flatMap(group => group.labels)
    const view = { left: 0, right: width, top: strip.y, bottom: strip.y + strip.height }
    const frames = strip.groups.flatMap(group => framesOf(group.shapes).map(edgesOf))
    return [
      ...overlapsIn(labels).map(text => `overlap: ${text}`),
      ...labels.filter(label => !isWithin(boxOf(label), view)).map(label => `outside: ${textOf(label)}`),
      ...labels.filter(label => label.size < 12).map(label => `small: ${textOf(label)}`),
      ...frames.filter(frame => !isWithin(frame, view)).map(frame => `frame outside: ${JSON.stringify(frame)}`),
      ...frames.flatMap((a, i) =>
        frames.slice(i + 1).flatMap(b => (meet(a, b) ? [`frames overlap: ${JSON.stringify([a, b])}`] : [])),
      ),
      ...strip.groups.flatMap(group => {
        const [frame, ...more] = framesOf(group.shapes).map(edgesOf)
        // the legend has cards with nothing in them
        if (frame === undefined || more.length > 0 || drawing === legend) return []
        return group.labels
          .filter(label => !isWithin(boxOf(label), frame))
          .map(label => `out of its card: ${textOf(label)}`)
      }),
    ]
  }
  const ends = strips.map(strip => strip.y + strip.height)
  const isTiled = strips.every((strip, index) => strip.y === (ends[index - 1] ?? 0)) && (ends.at(-1) ?? 0) === height
  return [...strips.flatMap(inStrip), ...(isTiled ? [] : ['strips do not meet'])]
}

const wordsOf = (drawing: Drawing): readonly string[] =>
  drawing.strips.flatMap(strip => strip.groups.flatMap(group => group.labels.map(textOf)))

// ---- sets for properties, made without YAML: names may be anything

const where = { file: 'a.yaml', line: 1, column: 1 }
const identity = (
  name: string,
  roles: readonly string[],
  mayAlsoHave: readonly string[],
  never: readonly string[][] = [],
): IdentityRule => ({
  name,
  where,
  issuer: undefined,
  from: [[{ field: 'subject.cn', anyOf: [{ text: '${x}', parts: [], where }], where }]],
  except: [],
  set: new Map(),
  unique: [],
  clientIds: [{ text: '${x}', parts: [], where }],
  clientIdUnique: 'proved',
  roles,
  mayAlsoHave,
  neverTogether: never,
  membersOnly: false,
  maxSessions: 1,
  captures: ['x'],
})

function setFrom(identities: readonly IdentityRule[], rules: readonly Rule[], roles: readonly string[]): PolicySet {
  return {
    files: ['a.yaml'],
    constants: new Map([['c', ['a', 'b']]]),
    identities: new Map(identities.map(one => [one.name, one])),
    roles: new Map(roles.map(name => [name, { name, where, rules: rules.filter(rule => rule.role === name) }])),
    members: [],
    settings: { onDeniedPublish: 'drop', onBroadSubscribe: 'refuse', onTakeover: 'replace', alphabet: defaultAlphabet },
    tests: [],
    claims: [],
  }
}

const kindsOfRules = [
  ['allow', 'publish'],
  ['allow', 'subscribe'],
  ['deny', 'publish'],
  ['deny', 'subscribe'],
  ['deny', 'receive'],
] as const

function anyRule(role: fc.Arbitrary<string>, filter: fc.Arbitrary<string>): fc.Arbitrary<Rule> {
  return fc
    .record({ role, kind: fc.constantFrom(...kindsOfRules), filter, retain: fc.constantFrom(undefined, true, false) })
    .map(
      ({ role: name, kind: [effect, action], filter: text, retain }): Rule => ({
        role: name,
        effect,
        action,
        filters: [must(parseFilterTemplate(text, where))],
        ...(action !== 'publish' || retain === undefined ? {} : { retain }),
        where,
      }),
    )
}

const isFilter = (text: string): boolean => parseFilterTemplate(text, where).ok

/** Texts as bad as they can be, and levels that collide. */
const anyName = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
  fc.constantFrom(...everyName, 'W'.repeat(64), 'a', 'b'),
)
const anyWildFilter = fc
  .array(fc.oneof(anyName, fc.constantFrom('+', '#', '${site}', 'a', 'b', '')), { minLength: 1, maxLength: 9 })
  .map(levels => levels.join('/'))
  .filter(isFilter)

const anySet: fc.Arbitrary<PolicySet> = fc
  .uniqueArray(anyName, { minLength: 1, maxLength: 5 })
  .chain(roles =>
    fc.record({
      roles: fc.constant(roles),
      rules: fc.array(anyRule(fc.constantFrom(...roles), anyWildFilter), { maxLength: 14 }),
      identities: fc.array(fc.record({ name: anyName, own: fc.subarray(roles), may: fc.subarray(roles) }), {
        maxLength: 3,
      }),
    }),
  )
  .map(({ roles, rules, identities }) =>
    setFrom(
      identities.map(({ name, own, may }) => identity(name, own, may, [may])),
      rules,
      roles,
    ),
  )

describe('the drawings', () => {
  test.each([
    ['of the sample', sample],
    ['of a big set', big],
  ])('%s: no two labels overlap, and none leaves its card or the view', (_, set) => {
    for (const drawing of drawingsOf(set)) expect(faultsOf(drawing)).toEqual([])
  })

  test('of any set: the same', () => {
    checkCostlyProperty(
      'labels of a map',
      fc.property(anySet, set => {
        for (const drawing of drawingsOf(set).slice(1)) expect(faultsOf(drawing)).toEqual([])
      }),
    )
  })

  test('show every role, identity and root of the sample and of a big set, each in one piece', () => {
    for (const set of [sample, big]) {
      const [, people, ...trees] = drawingsOf(set)
      const words = wordsOf(people as Drawing)
      expect([...set.roles.keys(), ...set.identities.keys()].filter(name => !words.includes(name))).toEqual([])
      const roots = topicTree(relationsOf(set).entries)
      expect(trees.map(tree => wordsOf(tree).includes(roots[trees.indexOf(tree)]?.path ?? ''))).toEqual(
        roots.map(() => true),
      )
    }
  })

  test('have as many cards as the set has rules, each with its number', () => {
    for (const set of [sample, big]) {
      const numbers = drawingsOf(set)
        .flatMap(drawing => drawing.strips.flatMap(strip => strip.groups.flatMap(group => group.entry ?? [])))
        .sort((a, b) => a - b)
      expect(numbers).toEqual(relationsOf(set).entries.map(entry => entry.number))
    }
  })

  test('are cut into strips that a page of paper takes', () => {
    for (const drawing of drawingsOf(big)) {
      expect(Math.max(...drawing.strips.map(strip => strip.height))).toBeLessThanOrEqual(760)
    }
  })
})

describe('text', () => {
  test('is broken into lines that fit, and nothing of it is lost but spaces', () => {
    const anyRun = fc.record({ text: anyName, style: fc.constantFrom('name', 'faint', 'literal', 'separator') })
    checkProperty(
      'flow',
      // the widest character with its two marks is 224 wide, and cannot be broken
      fc.property(fc.array(anyRun, { maxLength: 6 }), fc.integer({ min: 225, max: 400 }), (runs, width) => {
        const lines = flow(runs, width, 13)
        for (const line of lines) expect(line.width).toBeLessThanOrEqual(width)
        const packed = (texts: readonly string[]): string => texts.join('').replaceAll(' ', '')
        expect(packed(lines.flatMap(line => line.runs.map(run => run.text)))).toBe(
          packed(runs.map(run => makeVisible(run.text))),
        )
      }),
    )
  })

  test('is measured by the widest font of the stack', () => {
    // as a browser measures it in DejaVu Sans
    expect(textWidth('plant', 100, false)).toBeGreaterThanOrEqual(255.2)
    expect(textWidth('W', 100, true)).toBeGreaterThanOrEqual(110)
    expect(textWidth('中', 100, false)).toBeGreaterThanOrEqual(100)
    expect(textWidth('\ufdfd', 100, false)).toBeGreaterThan(1000)
    // U+A9C5 is as wide as a word; U+A9B3 is a mark on the letter before it
    expect(textWidth('\ua9c5', 100, false)).toBeGreaterThan(1000)
    expect(textWidth('a\ua9b3', 100, false)).toBeLessThan(250)
  })

  test('has enough contrast on every ground, light and dark', () => {
    const sheet = styleSheet([])
    for (const theme of sheet.match(/--ground:#[^}]*/g) ?? []) {
      const color = (name: string): string => new RegExp(`--${name}:(#[0-9a-f]+)`).exec(theme)?.[1] ?? ''
      for (const text of ['text', 'faint', 'variable', 'wildcard', 'deny'])
        for (const ground of ['ground', 'band', 'card', 'hot', 'deny-card'])
          expect({ text, ground, ratio: contrast(color(text), color(ground)) }).toMatchObject({
            ratio: expect.toSatisfy((ratio: number) => ratio >= 4.5),
          })
    }
    expect(sheet.match(/--ground:#/g)).toHaveLength(3)
  })
})

/** WCAG 2, contrast of two colours. */
function contrast(a: string, b: string): number {
  const luminance = (color: string): number => {
    const long = color.length === 4 ? color.replace(/[0-9a-f]/g, digit => digit + digit) : color
    const [red, green, blue] = [1, 3, 5]
      .map(at => Number.parseInt(long.slice(at, at + 2), 16) / 255)
      .map(part => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** Who is related to which rules, by role and filter. */
function relationsAsText(set: PolicySet): { relations: Relations; find: (role: string, filter: string) => string } {
  const relations = relationsOf(set)
  const find = (role: string, filter: string): string => {
    const entry = relations.entries.find(one => one.rule.role === role && one.filter.text === filter)
    if (entry === undefined) throw new Error(`no rule ${role} ${filter}`)
    const cuts = relations.cutsOf(entry).map(cut => `${cut.deny.rule.role}${cut.isCertain ? '' : '?'}`)
    const flows = relations.flowsOf(entry).map(flow => `${flow.entry.rule.role}${flow.isPart ? ' in part' : ''}`)
    return `cut by ${cuts.join(', ') || 'none'}; flows ${flows.join(', ') || 'none'}${relations.isDead(entry) ? '; dead' : ''}`
  }
  return { relations, find }
}

describe('what the map says of the sample', () => {
  const { find } = relationsAsText(sample)

  test.each([
    ['sensor', 'plant/${site}/${device}/telemetry/#', 'cut by sensor; flows operator in part, auditor in part'],
    ['gateway', 'plant/${site}/${children}/state', 'cut by none; flows operator, auditor'],
    ['operator', 'plant/${sites}/+/command/${command}', 'cut by none; flows sensor, operator'],
    ['sensor', 'plant/${site}/${device}/command/${command}', 'cut by none; flows operator'],
    ['auditor', 'plant/#', 'cut by auditor, auditor; flows sensor in part, gateway in part, gateway'],
  ])('%s %s', (role, filter, said) => {
    expect(find(role, filter)).toBe(said)
  })
})

describe('what the map says of rules', () => {
  const told = (roles: string, identities = 'roles: [r], mayAlsoHave: [s]') =>
    relationsAsText(
      setOf(`
constants: { command: [start, stop] }
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", ${identities} } }
roles: { ${roles} }`),
    ).find

  test('a deny of a role that one may have besides cuts for those only', () => {
    const find = told('r: { allow: [{ publish: "a/#" }] }, s: { deny: [{ publish: a/b }] }')
    expect(find('r', 'a/#')).toBe('cut by s?; flows none')
  })

  test('a deny of a role that nobody has together with the other cuts nothing', () => {
    const find = told(
      'r: { allow: [{ publish: "a/#" }] }, s: { deny: [{ publish: a/b }] }',
      'mayAlsoHave: [r, s], neverTogether: [[r, s]]',
    )
    expect(find('r', 'a/#')).toBe('cut by none; flows none')
  })

  test('where denies leave nothing, nothing flows', () => {
    const find = told(
      'r: { allow: [{ publish: "a/${device}/x" }], deny: [{ publish: "a/+/#" }] }, s: { allow: [{ subscribe: "a/#" }] }',
    )
    expect(find('r', 'a/${device}/x')).toBe('cut by r; flows none; dead')
    expect(find('s', 'a/#')).toBe('cut by none; flows none')
  })

  test('an allow of which nothing is left has no arrow', () => {
    const dead = setOf(`
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [r] } }
roles: { r: { allow: [{ publish: a }, { subscribe: b }], deny: [{ publish: "#" }, { receive: "+" }] } }`)
    const shapes = drawingsOf(dead)
      .slice(2)
      .flatMap(({ strips }) => strips.flatMap(strip => strip.groups.flatMap(group => group.shapes)))
    expect(shapes.filter(shape => shape.kind === 'head')).toEqual([])
    expect(shapes.filter(shape => shape.kind === 'cross')).toHaveLength(4)
  })

  test('a deny of retained messages leaves the others', () => {
    const find = told(
      'r: { allow: [{ publish: a }], deny: [{ publish: a, retain: true }] }, s: { allow: [{ subscribe: a }] }',
    )
    expect(find('r', 'a')).toBe('cut by r; flows s')
  })

  test('a constant means its values only', () => {
    const find = told(
      'r: { allow: [{ publish: "a/${command}" }] }, s: { allow: [{ subscribe: a/stop }, { subscribe: a/jump }] }',
    )
    expect(find('s', 'a/stop')).toBe('cut by none; flows r')
    expect(find('s', 'a/jump')).toBe('cut by none; flows none')
  })

  test('a role that nobody has is in force for nobody', () => {
    const find = told('r: { allow: [{ publish: a }] }, s: { allow: [{ subscribe: a }] }', 'roles: [r]')
    expect(find('s', 'a')).toBe('cut by none; flows none; dead')
  })
})

describe('what the map leaves out cannot happen', () => {
  const level = fc.constantFrom('a', 'b', '', '+', '#', '${x}', '${c}')
  const filter = fc
    .array(level, { minLength: 1, maxLength: 3 })
    .map(levels => levels.join('/'))
    .filter(isFilter)
  const roles = ['A', 'B', 'everyone']
  const people = fc.constantFrom(
    identity('dev', ['A'], ['B']),
    identity('dev', ['A', 'B'], []),
    identity('dev', [], ['A', 'B'], [['A', 'B']]),
    identity('dev', ['B'], []),
  )
  const rules = fc
    .array(anyRule(fc.constantFrom(...roles), filter), { maxLength: 7 })
    .map(all => all.filter(rule => rule.role !== 'everyone' || rule.effect === 'deny'))
  const few = topics.filter(topic => topic.split('/').length <= 3)

  const sessionsOf = ({ roles: own, mayAlsoHave, neverTogether }: IdentityRule) =>
    [[], ['A'], ['B'], ['A', 'B']]
      .filter(more => more.every(role => mayAlsoHave.includes(role)))
      .map(more => new Set([...own, ...more, 'everyone']))
      .filter(all => neverTogether.every(group => group.filter(role => all.has(role)).length < 2))
      .flatMap(all => ['a', 'fresh'].map(x => ({ roles: all, x })))

  test('over all sessions and topics of small sets', () => {
    checkProperty(
      'flows of a map',
      fc.property(people, rules, (who, all) => {
        const relations = relationsOf(setFrom([who], all, roles))
        const matches = (text: string, x: string, topic: string): boolean =>
          ['a', 'b'].some(c => referenceMatches(text.replaceAll('${x}', x).replaceAll('${c}', c), topic))
        const denied = (s: ReturnType<typeof sessionsOf>[number], topic: string, isPublish: boolean, retain: boolean) =>
          relations.entries.filter(
            ({ rule, filter: { text } }) =>
              s.roles.has(rule.role) &&
              rule.effect === 'deny' &&
              (rule.action === 'publish') === isPublish &&
              (rule.retain ?? retain) === retain &&
              matches(text, s.x, topic),
          )
        const sides = (isPublish: boolean) =>
          relations.entries.filter(({ rule }) => rule.effect === 'allow' && (rule.action === 'publish') === isPublish)
        /** Topics, and whether retained, that somebody may use by this rule. */
        const usable = (entry: (typeof relations.entries)[number], isPublish: boolean): ReadonlySet<string> => {
          const found = new Set<string>()
          for (const session of sessionsOf(who).filter(one => one.roles.has(entry.rule.role)))
            for (const topic of few.filter(one => matches(entry.filter.text, session.x, one)))
              for (const retain of [false, true].filter(one => (entry.rule.retain ?? one) === one)) {
                const denies = denied(session, topic, isPublish, retain)
                const known = relations.cutsOf(entry).map(cut => cut.deny)
                expect(denies.filter(deny => !known.includes(deny))).toEqual([])
                if (denies.length === 0) found.add(`${retain} ${topic}`)
              }
          return found
        }
        const sent = sides(false).map(entry => ({ entry, found: usable(entry, false) }))
        for (const publish of sides(true)) {
          const found = usable(publish, true)
          expect(found.size > 0 && relations.isDead(publish)).toBe(false)
          const reached = relations.flowsOf(publish).map(flow => flow.entry)
          for (const other of sent) {
            expect(other.found.size > 0 && relations.isDead(other.entry)).toBe(false)
            const doesFlow = [...found].some(topic => other.found.has(topic))
            expect(doesFlow && !reached.includes(other.entry)).toBe(false)
          }
        }
      }),
    )
  })
})

describe('the page', () => {
  const page = renderMap(sample, { folder: 'policies', revision: '4f2a9c1e' })

  test('is the same for the same set', () => {
    expect(renderMap(sampleSet(), { folder: 'policies', revision: '4f2a9c1e' })).toBe(page)
  })

  test('names every rule with its file and line', () => {
    const places = relationsOf(sample).entries.map(
      ({ filter: { where: at } }) => `plant.yaml:${at.line}:${at.column}</code>`,
    )
    expect(places.filter(place => !page.includes(place))).toEqual([])
    const rows = page.match(/<tr id="rule-\d+"/g) ?? []
    expect(rows).toHaveLength(places.length)
  })

  test('says of every drawing what it is, for who does not see it', () => {
    const drawings = page.match(/<svg [^>]*>/g) ?? []
    expect(drawings.length).toBeGreaterThanOrEqual(4)
    for (const tag of drawings) expect(tag).toMatch(/ role="img" aria-label="[^"]{10,}"/)
  })

  test('links only to what is there', () => {
    const ids = new Set((page.match(/ id="[^"]+"/g) ?? []).map(id => id.slice(5, -1)))
    const links = (page.match(/href="[^"]+"/g) ?? []).map(link => link.slice(6, -1))
    expect(links.filter(link => !link.startsWith('#') || !ids.has(link.slice(1)))).toEqual([])
  })

  test('may run and fetch nothing', () => {
    expect(page).toContain(
      'content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;"',
    )
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|\burl\(|@import|<script|<link/,
    )
  })

  test('tells members that are shut out, with the reason', () => {
    const set = setOf(`
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [r] } }
roles: { r: { allow: [{ publish: a }] } }
members: { out: { of: device, by: [device], rows: [{ device: pump-9, refused: "stolen <b>" }] } }`)
    expect(renderMap(set, { folder: 'p' })).toContain('<bdi>stolen &lt;b&gt;</bdi>')
  })

  /** What stands in a page besides text: tags, with their attributes. */
  const tags = /<(?:!doctype html|!-- [^<>]* --|\/?[a-z]+[0-9]?(?: [a-zA-Z-]+(?:="[^"<>]*")?)*\/?)>/g
  const names = [
    'a',
    'b',
    'bdi',
    'body',
    'br',
    'caption',
    'code',
    'details',
    'div',
    'g',
    'h1',
    'h2',
    'head',
    'header',
    'html',
  ]
    .concat([
      'li',
      'main',
      'meta',
      'nav',
      'p',
      'path',
      'rect',
      'section',
      'span',
      'style',
      'summary',
      'svg',
      'table',
      'tbody',
    ])
    .concat(['td', 'text', 'th', 'thead', 'title', 'tr', 'tspan', 'ul', 'wbr'])
  const attributes = [
    'aria-label',
    'charset',
    'class',
    'content',
    'd',
    'font-size',
    'height',
    'href',
    'http-equiv',
    'id',
    'lang',
  ].concat(['name', 'open', 'role', 'rx', 'scope', 'style', 'tabindex', 'viewBox', 'width', 'x', 'xmlns', 'y'])

  function expectNothingForged(html: string): void {
    expectClean(html)
    const found = html.match(tags) ?? []
    expect(html.replaceAll(tags, '')).not.toMatch(/[<>]/)
    const used = found.map(tag => /^<\/?([a-z0-9]+)/.exec(tag)?.[1]).filter(name => name !== undefined)
    expect([...new Set(used)].filter(name => !names.includes(name))).toEqual([])
    const set = found
      .flatMap(tag => tag.replaceAll(/"[^"]*"/g, '').match(/ [a-zA-Z-]+(?==)/g) ?? [])
      .map(name => name.trim())
    expect([...new Set(set)].filter(name => !attributes.includes(name))).toEqual([])
  }

  test('is made of the tags and attributes that it should be', () => {
    expectNothingForged(page.replace(/<style>[^<]*<\/style>/, ''))
  })

  test('no name of the hostile fleet gets out of its place, wherever it stands', () => {
    const rules = everyName.flatMap((role, index): readonly Rule[] => {
      const topic = topicLevels[index % topicLevels.length] as string
      const filters = [{ text: topic, levels: [{ kind: 'literal' as const, text: topic }], where: { file: role } }]
      return [
        { role, effect: 'allow', action: 'publish', filters, where },
        { role, effect: 'allow', action: 'subscribe', filters, share: [role], where },
        { role, effect: 'deny', action: 'receive', filters, where },
      ]
    })
    const hostile = setFrom(
      everyName.map(name => identity(name, [name], [...everyName])),
      rules,
      everyName,
    )
    const html = renderMap(hostile, { folder: everyName.join(' '), revision: everyName.join(' ') })
    expectNothingForged(html.replace(/<style>[^<]*<\/style>/, ''))
    for (const drawing of drawingsOf(hostile)) expect(faultsOf(drawing)).toEqual([])
  })
})
