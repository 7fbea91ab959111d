/** Every mistake that a policy set can hold, one at a time: its code, its place and its help. */
import { describe, expect, it } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import { problemCodes } from '../../src/problem-codes.ts'
import { expectMistake, type Mistake, withIdentity, withMembers, withRules, withTop } from './load-marked.ts'

const good = withTop('')
const csv = 'fleet: { of: device, by: [device], lists: [children], file: fleet.csv }'
const withCsv = (marked: string): Record<string, string> => ({ 'plant.yaml': withMembers(csv), 'fleet.csv': marked })
const withTests = (tests: string): Record<string, string> => ({ 'plant.yaml': good, 'plant.test.yaml': tests })
const aTest = (rest: string): Record<string, string> => withTests(`tests:\n  - name: t\n${rest}`)
const aClaim = (claim: string): Record<string, string> => withTests(`claims:\n  - ${claim}\n`)
const who = '    as: { identity: device, site: s1, device: pump-7 }\n'

const files: readonly Mistake[] = [
  {
    title: 'no version',
    files: `¦${good.replace('portcullis: 1\n', '')}`,
    code: 'policy/missing-key',
    help: /portcullis/,
  },
  {
    title: 'an empty file',
    files: { 'a.yaml': '¦', 'plant.yaml': good },
    code: 'policy/missing-key',
    help: /portcullis/,
  },
  {
    title: 'another version',
    files: good.replace('portcullis: 1', 'portcullis: ¦2'),
    code: 'policy/version',
    help: /portcullis: 1/,
  },
  {
    title: 'a file that is a list',
    files: { 'a.yaml': '¦- a\n', 'plant.yaml': good },
    code: 'policy/wrong-shape',
    help: /shape/,
  },
  { title: 'an empty set', files: 'portcullis: 1\n', code: 'policy/empty-set', help: /identities/ },
  { title: 'a .yml', files: { 'plant.yaml': good, 'more.yml': '' }, code: 'policy/unexpected-file', help: /\.yaml/ },
  {
    title: 'some other file',
    files: { 'plant.yaml': good, 'notes.txt': '' },
    code: 'policy/unexpected-file',
    help: /elsewhere/,
  },
  {
    title: 'a file in a subfolder',
    files: { 'plant.yaml': good, 'sub/more.yaml': good },
    code: 'policy/unexpected-file',
    help: /one folder/,
  },
  {
    title: 'a table that nobody names',
    files: { 'plant.yaml': good, 'old.csv': 'a,b\n' },
    code: 'policy/csv-unreferenced',
    help: /members/,
  },
  {
    title: 'an unknown section',
    files: withTop('¦rolls: {}'),
    code: 'policy/unknown-key',
    help: 'did you mean `roles`?',
  },
  { title: 'tests in a policy file', files: withTop('¦tests: []'), code: 'policy/unknown-key', help: /\.test\.yaml/ },
  { title: 'a section that is no map', files: withTop('constants: ¦[a]'), code: 'policy/wrong-shape', help: /shape/ },
  {
    title: 'a role defined twice, in two files',
    files: { 'a.yaml': 'portcullis: 1\nroles:\n  sensor: {}\n', 'plant.yaml': good.replace('  sensor:', '  ¦sensor:') },
    code: 'policy/duplicate-name',
    help: /rename/,
  },
  {
    title: 'a setting given twice',
    files: {
      'a.yaml': 'portcullis: 1\nsettings: { onTakeover: replace }\n',
      'plant.yaml': withTop('settings: { ¦onTakeover: replace }'),
    },
    code: 'policy/duplicate-name',
    help: /delete/,
  },
]

const values: readonly Mistake[] = [
  {
    title: 'a constant that is no safe value',
    files: withTop('constants: { a: ¦a/b }'),
    code: 'policy/unsafe-value',
    help: /1 to 64/,
  },
  {
    title: 'a name of a constant that begins with a capital',
    files: withTop('constants: { ¦Name: b }'),
    code: 'policy/bad-value',
    help: /small letter/,
  },
  {
    title: 'a word that a setting does not know',
    files: withTop('settings: { onTakeover: ¦replac }'),
    code: 'policy/bad-value',
    help: 'did you mean `replace`?',
  },
  {
    title: 'an unknown setting',
    files: withTop('settings: { ¦onTakover: replace }'),
    code: 'policy/unknown-key',
    help: 'did you mean `onTakeover`?',
  },
  {
    title: 'an alphabet that holds a slash',
    files: withTop('settings: { safeValues: ¦ä/ }'),
    code: 'policy/unsafe-alphabet',
    help: /never/,
  },
]

const identities: readonly Mistake[] = [
  {
    title: 'an unknown field of a certificate',
    files: withIdentity('from: { ¦subject.nc: tool }\nclientId: tool'),
    code: 'policy/unknown-key',
    help: /subject\.cn/,
  },
  {
    title: 'an identity without from',
    files: withIdentity('¦clientId: tool'),
    code: 'policy/missing-key',
    help: /from/,
  },
  {
    title: 'an identity without a client id',
    files: withIdentity('¦from: { subject.cn: tool }'),
    code: 'policy/missing-key',
    help: /clientId/,
  },
  {
    title: 'an empty from',
    files: withIdentity('from: ¦{}\nclientId: tool/x'),
    code: 'policy/empty-value',
    help: /subject\.cn/,
  },
  {
    title: 'alternatives that capture different names',
    files: withIdentity('from: [{ subject.cn: "${a}" }, { ¦subject.cn: "${b}" }]\nclientId: "tool/${a}"'),
    code: 'policy/captures-differ',
    help: /same names/,
  },
  {
    title: 'an ambiguous capture',
    files: withIdentity('from: { subject.cn: ¦"${a}-${b}" }\nclientId: tool/x\nclientIdUnique: vouched'),
    code: 'policy/ambiguous-capture',
    help: /separate/,
  },
  {
    title: 'a capture that is no variable',
    files: withIdentity('from: { subject.cn: ¦"${a b}" }\nclientId: tool/x'),
    code: 'policy/bad-pattern',
    help: /\$\{name\}/,
  },
  {
    title: 'a capture in a list of literals',
    files: withIdentity('from: { subject.cn: [a, ¦"${b}"] }\nclientId: tool/x'),
    code: 'policy/capture-not-here',
    help: /write the value out/,
  },
  {
    title: 'a capture in except',
    files: withIdentity('from: { subject.cn: tool }\nexcept: { subject.ou: ¦"${b}" }\nclientId: tool/x'),
    code: 'policy/capture-not-here',
    help: /write the value out/,
  },
  {
    title: 'a capture with a reserved name',
    files: withIdentity('¦from: { subject.cn: "${roles}" }\nclientId: "tool/${roles}"'),
    code: 'policy/reserved-name',
    help: /another name/,
  },
  {
    title: 'a serial number in capitals',
    files: withIdentity('from: { serial: ¦0A:FF }\nclientId: tool/x'),
    code: 'policy/bad-value',
    help: /lower-case hex/,
  },
  {
    title: 'a client id with an unknown variable',
    files: withIdentity('from: { subject.cn: "${a}" }\nclientId: ¦"tool/${b}"'),
    code: 'policy/unknown-variable',
    help: 'captures: a',
  },
  {
    title: 'unique of something that is not captured',
    files: withIdentity('from: { subject.cn: "${name}" }\nunique: [¦nam]\nclientId: "tool/${name}"'),
    code: 'policy/unknown-variable',
    help: 'did you mean `name`?',
  },
  {
    title: 'an unknown role',
    files: withIdentity('from: { subject.cn: tool }\nclientId: tool/x\nroles: [¦sensr]'),
    code: 'policy/unknown-role',
    help: 'did you mean `sensor`?',
  },
  {
    title: 'everyone as a role',
    files: withIdentity('from: { subject.cn: tool }\nclientId: tool/x\nroles: [¦everyone]'),
    code: 'policy/reserved-name',
    help: /take it out/,
  },
  {
    title: 'roles that are no list',
    files: withIdentity('from: { subject.cn: tool }\nclientId: tool/x\nmayAlsoHave: ¦sensor'),
    code: 'policy/wrong-shape',
    help: '[sensor]',
  },
  {
    title: 'neverTogether of a role that it cannot have',
    files: withIdentity(
      'from: { subject.ou: "${site}", subject.cn: "${device}" }\nclientId: "tool/${site}/${device}"\nmayAlsoHave: [sensor]\nneverTogether: [[sensor, ¦sensr]]',
    ),
    code: 'policy/unknown-role',
    help: 'did you mean `sensor`?',
  },
  {
    title: 'neverTogether of roles that everyone of it has',
    files: withIdentity(
      'from: { subject.ou: "${site}", subject.cn: "${device}" }\nclientId: "tool/${site}/${device}"\nroles: [sensor, spare]\nneverTogether: [[sensor, ¦spare]]',
    ).replace('roles:\n  sensor', 'roles:\n  spare: {}\n  sensor'),
    code: 'policy/never-together',
    help: /roles:/,
  },
  {
    title: 'a wrong number of sessions',
    files: withIdentity('from: { subject.cn: tool }\nclientId: tool/x\nmaxSessions: ¦0'),
    code: 'policy/bad-value',
    help: /digits/,
  },
  {
    title: 'a capture that is also a constant',
    files: withTop('constants: { site: s1 }').replace('  device:', '  ¦device:'),
    code: 'policy/name-clash',
    help: /rename/,
  },
  {
    title: 'a set that is also a capture',
    files: withIdentity('from: { subject.cn: "${a}" }\nset: { a: b }\nclientId: "tool/${a}"').replace(
      '  tool:',
      '  ¦tool:',
    ),
    code: 'policy/name-clash',
    help: /rename/,
  },
  {
    title: 'a client id that two identities can claim',
    files: withIdentity('from: { subject.cn: tool }\nclientId: ¦pump-7'),
    code: 'policy/client-id-shared',
    help: /apart/,
  },
  {
    title: 'an issuer that is not configured',
    files: withIdentity('issuer: ¦acne\nfrom: { subject.cn: tool }\nclientId: tool/x'),
    code: 'policy/unknown-issuer',
    help: 'did you mean `acme`?',
    options: { issuers: ['acme'] },
  },
  {
    title: 'no issuer where two are configured',
    files: good.replace('  device:', '  ¦device:'),
    code: 'policy/issuer-required',
    help: /acme, umbrella/,
    options: { issuers: ['acme', 'umbrella'] },
  },
]

const roles: readonly Mistake[] = [
  {
    title: 'a warning that does not exist',
    files: withRules('allow: [ { publish: a, accept: { ¦ded-rule: because } } ]'),
    code: 'policy/unknown-warning',
    help: /dead-rule/,
  },
  {
    title: 'an unknown key',
    files: withRules('allow:\n  - ¦subscrbe: plant/#'),
    code: 'policy/unknown-key',
    help: 'did you mean `subscribe`?',
  },
  {
    title: 'a rule without an action',
    files: withRules('allow:\n  - ¦maxQos: 1'),
    code: 'policy/missing-key',
    help: /one of them/,
  },
  {
    title: 'a rule with two actions',
    files: withRules('allow:\n  - publish: a\n    ¦subscribe: b'),
    code: 'policy/two-actions',
    help: /two rules/,
  },
  {
    title: 'everyone allows',
    files: withTop('  everyone:\n    ¦allow:\n      - publish: a'),
    code: 'policy/everyone-allow',
    help: /role of its own/,
  },
  {
    title: 'receive allows',
    files: withRules('allow:\n  - ¦receive: a'),
    code: 'policy/receive-allow',
    help: /subscribe/,
  },
  {
    title: 'a filter with # in the middle',
    files: withRules('allow:\n  - publish: ¦a/#/b'),
    code: 'policy/illegal-filter',
    help: /last/,
  },
  {
    title: 'a shared subscription in a filter',
    files: withRules('allow:\n  - subscribe: ¦$share/g/a'),
    code: 'policy/illegal-filter',
    help: /share: \[group\]/,
  },
  {
    title: 'a variable that shares its level',
    files: withRules('allow:\n  - publish: ¦a/x${site}'),
    code: 'policy/partial-variable',
    help: /level of its own/,
  },
  {
    title: '$portcullis',
    files: withRules('allow:\n  - subscribe: ¦$portcullis/#'),
    code: 'policy/reserved-topic',
    help: /another topic/,
  },
  { title: '$SYS', files: withRules('allow:\n  - publish: ¦$SYS/x'), code: 'policy/sys-publish', help: /delete/ },
  ...['share: [g]', 'retain: true'].map(
    (condition): Mistake => ({
      title: `${condition} of a publish or subscribe that has none`,
      files: withRules(`allow:\n  - ${condition.startsWith('share') ? 'publish' : 'subscribe'}: a\n    ¦${condition}`),
      code: 'policy/condition-not-applicable',
      help: /takes/,
    }),
  ),
  ...['maxQos: 1', 'maxPayloadBytes: 5', 'share: [g]'].map(
    (condition): Mistake => ({
      title: `${condition} of a publish deny`,
      files: withRules(`deny:\n  - publish: a\n    ¦${condition}`),
      code: 'policy/condition-not-applicable',
      help: 'takes `retain`',
    }),
  ),
  ...['maxQos: 1', 'maxPayloadBytes: 5', 'share: [g]', 'retain: false'].flatMap(condition =>
    ['subscribe', 'receive'].map(
      (action): Mistake => ({
        title: `${condition} of a ${action} deny`,
        files: withRules(`deny:\n  - ${action}: a\n    ¦${condition}`),
        code: 'policy/condition-not-applicable',
        help: /takes no condition/,
      }),
    ),
  ),
  {
    title: 'a QoS of 3',
    files: withRules('allow:\n  - publish: a\n    maxQos: ¦3'),
    code: 'policy/bad-value',
    help: /0/,
  },
  {
    title: 'a size in hex',
    files: withRules('allow:\n  - publish: a\n    maxPayloadBytes: ¦0x10'),
    code: 'policy/bad-value',
    help: /digits/,
  },
  {
    title: 'a retain of yes',
    files: withRules('allow:\n  - publish: a\n    retain: ¦yes'),
    code: 'policy/bad-value',
    help: /true/,
  },
  {
    title: 'a variable that nothing gives',
    files: withRules('allow:\n  - ¦publish: a/${sites}'),
    code: 'policy/unknown-variable',
    help: 'did you mean `site`?',
  },
  {
    title: 'a variable that one identity does not give',
    files: withIdentity('from: { subject.cn: tool }\nclientId: tool/x\nroles: [sensor]\nset: { device: x }').replace(
      '- publish',
      '- ¦publish',
    ),
    code: 'policy/variable-not-given',
    help: /capture it/,
  },
  {
    title: 'everyone uses a variable that one identity does not give',
    files: withIdentity('from: { subject.cn: tool }\nclientId: tool/x').replace(
      'roles:\n  sensor',
      'roles:\n  everyone:\n    deny:\n      - ¦publish: secret/${site}\n  sensor',
    ),
    code: 'policy/variable-not-given',
    help: /capture it/,
  },
  {
    title: 'too many combinations',
    files: withRules('allow:\n  - publish: ${a}/${b}')
      .replace(
        'roles:\n  sensor',
        `constants: { a: [${Array.from({ length: 101 }, (_, i) => `a${i}`)}], b: [${Array.from({ length: 100 }, (_, i) => `b${i}`)}] }\nroles:\n  sensor`,
      )
      .replace('  device:', '  ¦device:'),
    code: 'policy/too-many-combinations',
    help: /10000/,
  },
]

const rows = (text: string, lists = 'lists: [children]') =>
  withMembers(`fleet:\n  of: device\n  by: [device]\n  ${lists}\n  rows:\n    - ${text}`)

const members: readonly Mistake[] = [
  {
    title: 'a table of an unknown identity',
    files: withMembers('fleet: { of: ¦devise, by: [device], lists: [children], rows: [] }').replace(
      'mayAlsoHave: [gateway]',
      'mayAlsoHave: []',
    ),
    code: 'policy/unknown-identity',
    help: 'did you mean `device`?',
  },
  {
    title: 'a table by half of the captures',
    files: withMembers('fleet: { of: device, by: [¦site], lists: [children], rows: [] }'),
    code: 'policy/members-key',
    help: /\[site, device\], or \[device\]/,
  },
  {
    title: 'a table without rows',
    files: withMembers('¦fleet: { of: device, by: [device], lists: [children] }').replace('mayAlsoHave: [gateway]', ''),
    code: 'policy/missing-key',
    help: /CSV/,
  },
  {
    title: 'a table with a file and rows',
    files: {
      'plant.yaml': withMembers('fleet: { of: device, by: [device], lists: [children], file: fleet.csv, ¦rows: [] }'),
      'fleet.csv': 'device,children\n',
    },
    code: 'policy/two-sources',
    help: /either/,
  },
  {
    title: 'a table whose file is missing',
    files: withMembers(csv.replace('fleet.csv', '¦fleet.csv')).replace('mayAlsoHave: [gateway]', ''),
    code: 'policy/csv-missing',
    help: /there is no CSV file/,
  },
  {
    title: 'a file in another folder',
    files: withMembers(csv.replace('fleet.csv', '¦../fleet.csv')).replace('mayAlsoHave: [gateway]', ''),
    code: 'policy/bad-value',
    help: /this folder/,
  },
  {
    title: 'a role that rows may not give',
    files: rows('{ device: a, ¦roles: [sensr], children: [] }'),
    code: 'policy/role-not-allowed',
    help: /gateway/,
  },
  {
    title: 'a role that it has anyway',
    files: rows('{ device: a, ¦roles: [sensor], children: [] }'),
    code: 'policy/role-not-allowed',
    help: /already/,
  },
  {
    title: 'one member twice',
    files: rows('{ device: a, children: [] }\n    - ¦{ device: a, children: [] }'),
    code: 'policy/duplicate-member',
    help: /merge/,
  },
  {
    title: 'a row without its key',
    files: rows('{ device: a, children: [] }\n    - ¦{ children: [] }'),
    code: 'policy/missing-cell',
    help: /names its member/,
  },
  {
    title: 'a row without a column that its role uses',
    files: rows('¦{ device: a, roles: [gateway] }'),
    code: 'policy/missing-cell',
    help: /empty list/,
  },
  {
    title: 'a column that its role uses and that is not safe',
    files: rows('¦{ device: a, roles: [gateway], children: [b/c] }'),
    code: 'policy/unsafe-value',
    help: /topic level/,
  },
  {
    title: 'a key that is not safe',
    files: rows('{ ¦device: a b, children: [] }'),
    code: 'policy/unsafe-value',
    help: /no certificate/,
  },
  {
    title: 'a list in a column that is none',
    files: rows('{ device: a, ¦tags: [x], children: [] }'),
    code: 'policy/wrong-shape',
    help: 'lists: [tags]',
  },
  {
    title: 'a text in a column of lists',
    files: rows('{ device: a, children: ¦x }'),
    code: 'policy/wrong-shape',
    help: /list/,
  },
  {
    title: 'a column with the name of a capture',
    files: rows('{ device: a, site: s1, children: [] }').replace('fleet:', '¦fleet:'),
    code: 'policy/name-clash',
    help: /rename/,
  },
  {
    title: 'a role from a column that may be missing',
    files: rows('{ device: a, children: [] }')
      .replace('    roles: [sensor]\n    mayAlsoHave: [gateway]', '    roles: [sensor, gateway]')
      .replace('- publish: plant/${site}/${children}', '- ¦publish: plant/${site}/${children}'),
    code: 'policy/variable-not-given',
    help: /membersOnly/,
  },
  {
    title: 'roles that are never together',
    files: rows('¦{ device: a, roles: [gateway], children: [] }').replace(
      '    mayAlsoHave: [gateway]',
      '    mayAlsoHave: [gateway]\n    neverTogether: [[sensor, gateway]]',
    ),
    code: 'policy/never-together',
    help: /take one/,
  },
  {
    title: 'roles of two tables that are never together',
    files: withMembers(
      'a: { of: device, by: [device], lists: [children], rows: [{ device: x, roles: [gateway], children: [] }] }\nb: { of: device, by: [site, device], rows: [¦{ site: s, device: x, roles: [spare] }] }',
    )
      .replace('    mayAlsoHave: [gateway]', '    mayAlsoHave: [gateway, spare]\n    neverTogether: [[gateway, spare]]')
      .replace('  gateway:', '  spare: {}\n  gateway:'),
    code: 'policy/never-together',
    help: /take one/,
  },
  {
    title: 'too many children',
    files: rows(`¦{ device: a, roles: [gateway], children: [${Array.from({ length: 10_001 }, (_, i) => `c${i}`)}] }`),
    code: 'policy/too-many-combinations',
    help: /shorter/,
  },
]

const tables: readonly Mistake[] = [
  {
    title: 'a slip in the name of the file',
    files: { 'plant.yaml': withMembers(csv.replace('fleet.csv', '¦flet.csv')), 'fleet.csv': 'device,roles,children\n' },
    code: 'policy/csv-missing',
    help: 'did you mean `fleet.csv`?',
  },
  {
    title: 'semicolons between cells',
    files: withCsv('¦device;roles;children\nline-1;gateway;a\n'),
    code: 'policy/csv-delimiter',
    help: /`,` between cells/,
  },
  { title: 'an empty file', files: withCsv('¦'), code: 'policy/csv', help: /column names/ },
  {
    title: 'a ragged row',
    files: withCsv('device,roles,children\nline-1,gateway,a\n¦line-2,gateway\n'),
    code: 'policy/csv',
    help: /`,`/,
  },
  { title: 'a column twice', files: withCsv('¦device,roles,children,roles\n'), code: 'policy/csv', help: /rename/ },
  {
    title: 'a column with a space',
    files: withCsv('¦device, roles,children\n'),
    code: 'policy/bad-value',
    help: /letter/,
  },
  {
    title: 'a quote that is not closed',
    files: withCsv('device,roles,children\n¦"line-1,gateway,a\n'),
    code: 'policy/csv',
    help: /"/,
  },
  {
    title: 'a member twice',
    files: withCsv('device,roles,children\na,,\n\n¦a,,\n'),
    code: 'policy/duplicate-member',
    help: /merge/,
  },
  {
    title: 'a space behind a role',
    files: withCsv('device,roles,children\n¦a,gateway ,\n'),
    code: 'policy/role-not-allowed',
    help: 'did you mean `gateway`?',
  },
  {
    title: 'no UTF-8',
    files: withCsv('device,roles,children\n¦caf\uFFFD,,\n'),
    code: 'policy/not-text',
    help: /UTF-8/,
  },
  {
    title: 'a missing column',
    files: {
      ...withCsv('device,roles,children\n'),
      'plant.yaml': withMembers(csv.replace('[children]', '[children, ¦colours]')),
    },
    code: 'policy/unknown-column',
    help: /columns: device, roles, children/,
  },
]

const tests: readonly Mistake[] = [
  { title: 'no claim', files: withTests('claims: ¦[]\n'), code: 'policy/empty-value', help: /one entry/ },
  {
    title: 'a claim of no kind',
    files: aClaim('¦{ assume: because }'),
    code: 'policy/bad-claim',
    help: /one for each/,
  },
  {
    title: 'a claim of two kinds',
    files: aClaim('¦{ isolated: { identity: device, by: [site] }, noFlow: { from: { role: r }, to: { role: r } } }'),
    code: 'policy/bad-claim',
    help: /one for each/,
  },
  {
    title: 'a claim about nobody',
    files: aClaim('{ never: ¦{ can: { publish: a } } }'),
    code: 'policy/bad-claim',
    help: /identity/,
  },
  {
    title: 'a claim about nothing',
    files: aClaim('{ never: { role: r, can: ¦{} } }'),
    code: 'policy/bad-claim',
    help: /one of them/,
  },
  {
    title: 'a claim about two actions',
    files: aClaim('{ never: { role: r, can: ¦{ publish: a, receive: a } } }'),
    code: 'policy/bad-claim',
    help: /one of them/,
  },
  {
    title: 'a claim about exactly no role',
    files: aClaim('{ never: ¦{ identity: device, exactly: true, can: { publish: a } } }'),
    code: 'policy/bad-claim',
    help: /roles/,
  },
  {
    title: 'a variable of nobody',
    files: aClaim("{ only: { role: r, can: { publish: ¦'a/${site}' } } }"),
    code: 'policy/bad-claim',
    help: /\+/,
  },
  {
    title: 'a variable in what is shared',
    files: aClaim("{ isolated: { identity: device, by: [site], except: ¦'a/${site}' } }"),
    code: 'policy/bad-claim',
    help: /\+/,
  },
  {
    title: 'a claim about an unknown identity',
    files: aClaim('{ isolated: { identity: ¦devise, by: [site] } }'),
    code: 'policy/unknown-identity',
    help: /device/,
  },
  {
    title: 'a claim about an unknown role',
    files: aClaim('{ never: { role: ¦nobody, can: { publish: a } } }'),
    code: 'policy/unknown-role',
    help: /roles/,
  },
  {
    title: 'groups by what is not captured',
    files: aClaim('{ isolated: { identity: device, by: [¦sight] } }'),
    code: 'policy/unknown-variable',
    help: /site/,
  },
  {
    title: 'a claim about no filter',
    files: aClaim('{ never: { identity: device, can: { publish: ¦a/#/b } } }'),
    code: 'policy/illegal-filter',
    help: /last/,
  },
  { title: 'a file without tests', files: withTests('¦portcullis: 1\n'), code: 'policy/missing-key', help: /tests/ },
  {
    title: 'a test without a name',
    files: withTests(`tests:\n  - ¦as: { subject.cn: a }\n    refused: bind/client-id-mismatch`),
    code: 'policy/missing-key',
    help: /name/,
  },
  {
    title: 'a test of nothing',
    files: withTests(`tests:\n  - ¦name: t\n${who}`),
    code: 'policy/missing-key',
    help: /possible/,
  },
  {
    title: 'a test of nobody',
    files: aTest('    as: ¦{}\n    can: [{ publish: a }]'),
    code: 'policy/wrong-shape',
    help: /identity: device/,
  },
  {
    title: 'a name twice',
    files: withTests(
      `tests:\n  - name: t\n${who}    can: [{ publish: a }]\n  - name: ¦t\n${who}    can: [{ publish: a }]`,
    ),
    code: 'policy/duplicate-name',
    help: /rename/,
  },
  {
    title: 'an unknown code',
    files: aTest(`${who}    refused: ¦bind/client-id-mismatsh`),
    code: 'policy/bad-value',
    help: 'did you mean `bind/client-id-mismatch`?',
  },
  {
    title: 'a refusal and actions',
    files: aTest(`${who}    ¦refused: bind/client-id-mismatch\n    can: [{ publish: a }]`),
    code: 'policy/refused-and-can',
    help: /two tests/,
  },
  {
    title: 'an unknown identity',
    files: aTest('    as: { identity: ¦devise }\n    can: [{ publish: a }]'),
    code: 'policy/unknown-identity',
    help: 'did you mean `device`?',
  },
  {
    title: 'a missing capture',
    files: aTest('    as: { identity: ¦device, site: s1 }\n    can: [{ publish: a }]'),
    code: 'policy/missing-key',
    help: /site, device/,
  },
  {
    title: 'an unknown capture',
    files: aTest('    as: { identity: device, site: s1, device: a, colour: ¦red }\n    can: [{ publish: a }]'),
    code: 'policy/unknown-variable',
    help: /site/,
  },
  {
    title: 'a capture that is not safe',
    files: aTest('    as: { identity: device, site: s1, device: ¦a/b }\n    can: [{ publish: a }]'),
    code: 'policy/unsafe-value',
    help: /safe value/,
  },
  {
    title: 'an unknown field',
    files: aTest('    as: { ¦subject.xn: s1 }\n    can: [{ publish: a }]'),
    code: 'policy/unknown-key',
    help: /did you mean/,
  },
  {
    title: 'an unknown issuer',
    files: aTest('    as: { issuer: ¦acne, subject.cn: a }\n    can: [{ publish: a }]'),
    code: 'policy/unknown-issuer',
    help: /acme/,
    options: { issuers: ['acme'] },
  },
  {
    title: 'an action without a verb',
    files: aTest(`${who}    can: [¦{ qos: 1 }]`),
    code: 'policy/missing-key',
    help: /one of them/,
  },
  {
    title: 'an action with two verbs',
    files: aTest(`${who}    can: [{ publish: a, ¦will: b }]`),
    code: 'policy/two-actions',
    help: /two/,
  },
  {
    title: 'a retained subscription',
    files: aTest(`${who}    can: [{ subscribe: a, ¦retain: true }]`),
    code: 'policy/condition-not-applicable',
    help: /publish/,
  },
  {
    title: 'a wildcard in a topic name',
    files: aTest(`${who}    cannot: [{ publish: ¦a/# }]`),
    code: 'decide/illegal-topic',
    help: /wildcards/,
  },
  {
    title: 'a misplaced wildcard',
    files: aTest(`${who}    cannot: [{ subscribe: ¦a/#/b }]`),
    code: 'decide/illegal-filter',
    help: /last one/,
  },
]

const all = { files, values, identities, roles, members, tables, tests }

describe.each(Object.entries(all))('mistakes in %s', (_family, mistakes) => {
  it.each(mistakes)('$title', mistake => expectMistake(mistake))
})

describe('what is no mistake', () => {
  it('leaves editor leftovers and README alone', () => {
    const names = ['.plant.yaml.swp', '.git', 'plant.yaml~', '4913', 'README.md', '.#plant.yaml']
    expect(
      loadPolicySet([{ name: 'plant.yaml', text: good }, ...names.map(name => ({ name, text: '{' }))]).problems,
    ).toEqual([])
  })

  it('reads columns that no role uses as free text', () => {
    const files = [
      { name: 'plant.yaml', text: withMembers(csv) },
      {
        name: 'fleet.csv',
        text: '\uFEFFdevice,roles,children,note\r\nline-1,gateway,pump-7;pump-8,"by the door, left"\r\n\r\nline-2,,,\r\n',
      },
    ]
    const { set, problems } = loadPolicySet(files)
    expect(problems).toEqual([])
    const row = set?.members[0]?.rows.get('line-1')
    expect(row?.roles).toEqual(['gateway'])
    expect(row?.attributes).toEqual(
      new Map<string, unknown>([
        ['children', ['pump-7', 'pump-8']],
        ['note', 'by the door, left'],
      ]),
    )
  })

  it('shuts a member out with a reason, and then asks for nothing else', () => {
    const { set, problems } = loadPolicySet([
      { name: 'plant.yaml', text: rows('{ device: a, roles: [gateway], refused: stolen }') },
    ])
    expect(problems).toEqual([])
    expect(set?.members[0]?.rows.get('a')?.refused).toBe('stolen')
  })

  it('widens the alphabet by an explicit setting', () => {
    expect(
      loadPolicySet([
        { name: 'plant.yaml', text: withTop('constants: { hall: süd:2 }\nsettings: { safeValues: "ü:" }') },
      ]).problems,
    ).toEqual([])
  })
})

/** Codes of strict YAML (load-yaml.test.ts), and of those who read the folder, run the tests and start the gate. */
const elsewhere =
  /^policy\/(broad-filter|dead-rule|idle-deny|needless-accept|overlapping-identities|shared-right|unheld-role|claim-refuted|claim-unproved|claim-vacuous|too-complex|comment-trap|duplicate-key|file-too-large|missing-space|multi-line|quote-needed|yaml|yaml-feature|no-folder|test-failed|unreadable-file)$/

it('knows a set for every code of the language', () => {
  const shown = new Set(Object.values(all).flatMap(mistakes => mistakes.map(({ code }) => code)))
  const codes = Object.keys(problemCodes).filter(code => code.startsWith('policy/') && !elsewhere.test(code))
  expect(codes.filter(code => !shown.has(code as Mistake['code']))).toEqual([])
})
