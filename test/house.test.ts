/** The law of the house (docs/architecture.md): imports only point up, third-party code stays in its rooms, files stay small. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesOf, root } from './support/files.ts'

interface Import {
  /** A path from the project's folder for a relative import, the specifier itself otherwise. */
  readonly target: string
  readonly isType: boolean
}

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

/** Top to bottom. Nothing imports what stands below it; `policy/` stands above all stages. */
const house = [
  'policy',
  'accept',
  'authenticate',
  'bind',
  'decide',
  'enforce',
  'observe',
  'prove',
  'provision',
  'source',
  'tool',
]
const pureRooms = ['policy', 'decide', 'prove']

/** What each leaf may import. Anything may import a leaf. */
const leaves: Readonly<Record<string, readonly string[]>> = {
  'src/problem-codes.ts': [],
  'src/problem.ts': ['src/problem-codes.ts'],
  'src/trace.ts': ['src/problem.ts'],
}

/** Who may import the composed path, and how. A session is what the gate hands out. */
const composed: Readonly<Record<string, (from: string, isType: boolean) => boolean>> = {
  'src/gate.ts': (from, isType) =>
    isIn(from, 'tool') || ['src/index.ts', 'src/open-gate.ts'].includes(from) || (isIn(from, 'enforce') && isType),
  'src/admission.ts': from => from === 'src/gate.ts',
  'src/open-gate.ts': from => isIn(from, 'tool') || from === 'src/index.ts',
  'src/gate-options.ts': from => ['src/open-gate.ts', 'src/index.ts'].includes(from) || isIn(from, 'tool'),
  'src/trial.ts': from => ['src/gate.ts', 'src/mapper.ts'].includes(from),
  'src/session.ts': (from, isType) =>
    isIn(from, 'tool') ||
    ['src/index.ts', 'src/gate.ts', 'src/mapper.ts', 'src/admission.ts', 'src/bound-sessions.ts'].includes(from) ||
    (isIn(from, 'enforce') && isType),
  'src/mapper.ts': from => ['src/gate.ts', 'src/index.ts', 'src/bound-sessions.ts'].includes(from),
  'src/recheck.ts': from => ['src/gate.ts', 'src/bound-sessions.ts'].includes(from),
  'src/bound-sessions.ts': from => from === 'src/gate.ts',
  'src/gate-parts.ts': from => from === 'src/gate.ts',
  'src/index.ts': () => false,
  'src/policy-api.ts': () => false,
  'src/provision-api.ts': () => false,
}

/** Rooms of every third-party package; one that is not named here may not be imported at all. */
const quarantine: Readonly<Record<string, readonly string[]>> = {
  aedes: ['src/enforce/aedes/', 'src/tool/broker.ts'],
  'aedes-persistence-level': ['src/enforce/aedes/store/'],
  'aedes-persistence-redis': ['src/enforce/aedes/cluster/'],
  chokidar: ['src/source/'],
  'cli-progress': ['src/tool/device/progress.ts'],
  commander: ['src/tool/'],
  'csv-parse': ['src/policy/read-csv.ts'],
  ioredis: ['src/enforce/aedes/cluster/'],
  jose: ['src/source/bundle-signature.ts', 'src/provision/enrol/token.ts'],
  level: ['src/enforce/aedes/store/'],
  libsql: ['src/provision/ledger-file.ts'],
  'mqemitter-redis': ['src/enforce/aedes/cluster/'],
  mqtt: ['src/tool/'],
  'mqtt-packet': ['src/tool/'],
  'msgpack-lite': ['src/enforce/aedes/store/', 'src/enforce/aedes/cluster/'],
  'node-forge': ['src/provision/pkcs12-legacy.ts'],
  picocolors: ['src/tool/'],
  pino: ['src/observe/'],
  'prom-client': ['src/observe/'],
  pkijs: ['src/provision/pkcs12-modern.ts'],
  qlobber: ['src/enforce/aedes/subscription-index.ts'],
  ws: ['src/accept/websocket.ts'],
  yaml: ['src/policy/'],
}

const isIn = (path: string, room: string): boolean => path.startsWith(`src/${room}/`)

const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1]

const packageOf = (specifier: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier

/** Every import and re-export of a module. Statements begin a line (the formatter sees to it), so comments are not read. */
function importsOf(path: string, text: string): readonly Import[] {
  const statements = [
    ...text.matchAll(
      /^(?:import|export)\s+(?<type>type\s+(?!from\b))?(?:[\w$*{}\s,]+?\s+)?from\s*['"](?<from>[^'"]+)['"]/gm,
    ),
    ...text.matchAll(/^(?<type>)import\s*['"](?<from>[^'"]+)['"]/gm),
    ...text.matchAll(/^(?!\s*(?:\/\/|\/?\*)).*?(?<!\btypeof )(?<type>)\bimport\(\s*['"`](?<from>[^'"`]+)['"`]/gm),
    ...text.matchAll(/^(?!\s*(?:\/\/|\/?\*)).*?(?<type>\btypeof )import\(\s*['"`](?<from>[^'"`]+)['"`]/gm),
  ]
  return statements.map(({ groups }) => {
    const specifier = groups?.from ?? ''
    const isRelative = specifier.startsWith('.')
    return {
      target: isRelative ? posix.join(posix.dirname(path), specifier) : specifier,
      isType: Boolean(groups?.type),
    }
  })
}

const source: readonly SourceFile[] = filesOf('src')
  .filter(path => path.endsWith('.ts'))
  .map(path => {
    const text = readFileSync(new URL(path, root), 'utf8')
    return { path, text, imports: importsOf(path, text) }
  })

/** Why this import breaks the law; undefined where it does not. */
function breach(from: string, { target, isType }: Import): string | undefined {
  const leaf = leaves[from]
  if (leaf !== undefined) return leaf.includes(target) ? undefined : 'a leaf imports only a leaf above it'
  if (target.startsWith('node:')) {
    return pureRooms.some(room => isIn(from, room)) ? 'policy/, decide/ and prove/ are pure' : undefined
  }
  if (!target.startsWith('src/')) return thirdPartyBreach(from, target)
  if (leaves[target] !== undefined) return undefined
  const mayImport = composed[target]
  if (mayImport !== undefined) {
    return mayImport(from, isType) ? undefined : 'only tool/ and index.ts may import it, and enforce/ as a type'
  }
  return roomBreach(roomOf(from), roomOf(target))
}

function thirdPartyBreach(from: string, target: string): string | undefined {
  if (target.startsWith('.') || target.startsWith('..')) return 'it leaves src/'
  const rooms = quarantine[packageOf(target)]
  if (rooms === undefined) return 'this package has no room in the quarantine of test/house.test.ts'
  return rooms.some(room => (room.endsWith('/') ? from.startsWith(room) : from === room))
    ? undefined
    : `it belongs into ${rooms.join(', ')}`
}

function roomBreach(from: string | undefined, to: string | undefined): string | undefined {
  if (to === undefined || !house.includes(to)) return 'it is in no room of the house'
  if (from === undefined || from === to) return undefined
  if (house.indexOf(to) < house.indexOf(from)) return undefined
  return `${to}/ stands below ${from}/`
}

const breaches = (files: readonly SourceFile[]): readonly string[] =>
  files.flatMap(({ path, imports }) =>
    imports.flatMap(one => {
      const why = breach(path, one)
      return why === undefined ? [] : [`${path} imports ${one.target}: ${why}`]
    }),
  )

/** The files that a file needs when it runs, itself included. */
function reachedFrom(path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const { target, isType } of source.find(file => file.path === path)?.imports ?? []) {
    if (!isType && target.startsWith('src/')) reachedFrom(target, seen)
  }
  return seen
}

describe('the house', () => {
  test('has only the rooms that the law knows', () => {
    const rooms = source.map(({ path }) => roomOf(path)).filter(room => room !== undefined && !house.includes(room))
    expect([...new Set(rooms)]).toEqual([])
  })

  test('imports only point up, and third-party code stays in its rooms', () => {
    expect(breaches(source)).toEqual([])
  })

  test('policy/, decide/ and prove/ reach no node: module, over any path', () => {
    const needsNode = new Set(
      source
        .filter(({ imports }) => imports.some(one => !one.isType && one.target.startsWith('node:')))
        .map(({ path }) => path),
    )
    const impure = source
      .filter(({ path }) => pureRooms.some(room => isIn(path, room)))
      .flatMap(({ path }) =>
        [...reachedFrom(path)].filter(reached => needsNode.has(reached)).map(reached => `${path} → ${reached}`),
      )
    expect(impure).toEqual([])
  })

  test('relative imports name a file that exists, with .ts', () => {
    const paths = new Set(source.map(({ path }) => path))
    const lost = source.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target.startsWith('src/') && !paths.has(target))
        .map(({ target }) => `${path} imports ${target}`),
    )
    expect(lost).toEqual([])
  })

  test('no file is longer than 300 lines, tables of texts aside', () => {
    const long = source
      .filter(({ path }) => path !== 'src/problem-codes.ts')
      .map(({ path, text }) => `${path}: ${text.split('\n').length - 1}`)
      .filter(line => Number(line.split(': ')[1]) > 300)
    expect(long).toEqual([])
  })

  test('no default export, no enum, no namespace, no utils.ts', () => {
    const banned =
      /^(?:export\s+default\b|export\s*\{[^}]*\bas\s+default\b|(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s|(?:export\s+)?namespace\s)/m
    const offenders = source.filter(
      ({ path, text }) => banned.test(text) || /(?:^|\/)(?:utils?|helpers?|misc|common)\.ts$/.test(path),
    )
    expect(offenders.map(({ path }) => path)).toEqual([])
  })
})

describe('the law itself', () => {
  const check = (path: string, text: string): readonly string[] =>
    breaches([{ path, text, imports: importsOf(path, text) }])

  test.each([
    ['a stage below', 'src/accept/x.ts', "import { bindClientId } from '../bind/client-id.ts'"],
    ['a stage below, as a type', 'src/accept/x.ts', "import type { Session } from '../decide/decision.ts'"],
    ['a stage below, over several lines', 'src/bind/x.ts', "import {\n  a,\n  type B,\n} from '../decide/decision.ts'"],
    ['a stage below, re-exported', 'src/authenticate/x.ts', "export * from '../bind/client-id.ts'"],
    ['a stage below, when it runs', 'src/bind/x.ts', "  const it = await import('../enforce/aedes/guard.ts')"],
    ['a stage from policy/', 'src/policy/x.ts', "import { readPeer } from '../accept/peer.ts'"],
    ['the gate from a stage', 'src/bind/x.ts', "import type { Gate } from '../gate.ts'"],
    ['the gate as a value from enforce/', 'src/enforce/aedes/x.ts', "import { openGate } from '../../gate.ts'"],
    [
      'the gate with an inline type from enforce/',
      'src/enforce/aedes/x.ts',
      "import { type Gate } from '../../gate.ts'",
    ],
    ['the public surface', 'src/tool/x.ts', "import { openGate } from '../index.ts'"],
    ['node: in a pure room', 'src/decide/x.ts', "import { createHash } from 'node:crypto'"],
    ['a stage from a leaf', 'src/trace.ts', "import type { Peer } from './accept/peer.ts'"],
    ['aedes outside its adapter', 'src/bind/x.ts', "import { Aedes } from 'aedes'"],
    ['aedes in another command', 'src/tool/serve.ts', "import { Aedes } from 'aedes'"],
    [
      'x509 outside its file',
      'src/authenticate/rules.ts',
      "import 'reflect-metadata'\nimport { X509Certificate } from '@peculiar/x509'",
    ],
    ['a package nobody has given a room', 'src/tool/x.ts', "import _ from 'lodash'"],
    ['a file outside src', 'src/tool/x.ts', "import { pki } from '../../test/support/pki.ts'"],
  ])('finds %s', (_, path, text) => {
    expect(check(path, text)).not.toEqual([])
  })

  test.each([
    ['a stage above', 'src/decide/x.ts', "import { bindClientId } from '../bind/client-id.ts'"],
    ['policy/ from anywhere', 'src/accept/x.ts', "import type { Role } from '../policy/model.ts'"],
    [
      'a leaf from policy/',
      'src/policy/x.ts',
      "import { problem } from '../problem.ts'\nimport { nullTrace } from '../trace.ts'",
    ],
    ['the gate as a type from enforce/', 'src/enforce/aedes/x.ts', "import type { Gate } from '../../gate.ts'"],
    ['the gate from a command', 'src/tool/x.ts', "import { openGate } from '../gate.ts'"],
    ['aedes in its adapter', 'src/enforce/aedes/x.ts', "import { Aedes } from 'aedes'"],
    [
      'an example in a comment',
      'src/policy/x.ts',
      "/**\n * import { openGate } from '../gate.ts'\n */\n// await import('aedes')",
    ],
  ])('permits %s', (_, path, text) => {
    expect(check(path, text)).toEqual([])
  })
})
