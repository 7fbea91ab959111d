/** Sinks of a running broker: start-up lines, log, configuration, `try` and `demo`. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  besiege,
  closeFolder,
  expectBesieged,
  main,
  openFolder,
  own,
  portIn,
  serveWords,
  serving,
  Told,
} from './besieged.ts'
import { portcullis } from './command.ts'
import {
  ascii,
  begun,
  crowds,
  everyArgument,
  everyName,
  expectClean,
  expectKept,
  expectShown,
  hostileFile,
  jsonLines,
  shown,
  stringsIn,
  topicLevels,
  word,
} from './fleet.ts'

const timeout = 60_000
let folder: string
beforeAll(async () => {
  folder = await openFolder()
})
afterAll(() => closeFolder(folder))

describe('serve', { timeout }, () => {
  test('start-up lines, and the log on stderr, with a policy that changes for the worse', async () => {
    const broken = everyName.map((name, index) => [join(folder, hostileFile, `${index}.yaml`), name] as const)
    const { out, err } = await serving(folder, [], async (port, log) => {
      await besiege(folder, port)
      await Promise.all(broken.map(([file, name]) => writeFile(file, `portcullis: 1\n${ascii(name)}: x\n`)))
      await log.has('"event":"policy-refused"')
      await Promise.all(broken.map(([file]) => rm(file)))
    })
    expectShown(out, [hostileFile], name => `policy   ${shown(name)}/, 3 files`)
    expectShown(out, [hostileFile], name => `/${shown(name)}.yaml\n`)
    // what is there to paste is one word of a shell
    expectShown(out, [hostileFile], name => ` --policies ${shown(word(name))} --as device.pem`)
    expect(out.split('\n')).toHaveLength(7)
    const [note, help] = err.split('\n') as [string, string]
    expectShown(note, [hostileFile], name => `/${shown(name)}.key: config/key-permissions: `)
    expectShown(help, [hostileFile], name => shown(word(join(folder, `${name}.key`))))
    expect(help).toMatch(/^ {2}help: chmod 600 '/)
    const lines = jsonLines(err.slice(`${note}\n${help}\n`.length))
    expectBesieged(lines)
    const refused = stringsIn(lines.filter(line => line['event'] === 'policy-refused')).join('\n')
    expect(everyName.filter(name => !refused.includes(`unknown key \`${shown(name)}\``))).toEqual([])
  })

  test('the log in a file of a hostile name', async () => {
    const file = `${hostileFile}.log`
    await serving(folder, ['--log', file], port => besiege(folder, port))
    expectBesieged(jsonLines(await readFile(join(folder, file), 'utf8')))
    const none = await portcullis(folder, [...serveWords, '--log', `none/${everyArgument}`])
    expectShown(none.stderr, [everyArgument], name => `the log file none/${shown(name)} cannot be opened (`)
  })

  const onTerminal = (command: string): string[] => ['-c', 'exec script -qec "$1" /dev/null', 'bash', command]
  const hasScript = spawnSync('bash', onTerminal('true')).status === 0

  test.skipIf(!hasScript)('the log on a terminal', async () => {
    const { NO_COLOR: _, ...env } = process.env
    const command = [process.execPath, main, ...serveWords].map(word).join(' ')
    const child = spawn('bash', onTerminal(`exec ${command}`), { cwd: folder, env })
    const out = new Told(child.stdout)
    await out.has('explain  ')
    await besiege(folder, portIn(out.text))
    const exited = once(child, 'exit')
    child.stdin.write('\u0003')
    await exited
    // the terminal writes line ends as `\r\n`, and echoes the key
    const text = out.text.replaceAll('\r\n', '\n').replaceAll('^C', '')
    expectShown(text, [hostileFile], name => `policy   ${shown(name)}/, 3 files`)
    expectShown(text, topicLevels, name => ` connect ${shown(name)}: the client id \`${begun(name)}`)
    expectShown(text, topicLevels, name => ` will plant/${shown(name)}: `)
    expectShown(text, topicLevels, name => ` subscribe sub/${shown(name)}/#: `)
    expectShown(text, topicLevels, name => ` publish pub/${shown(name)}: `)
    const unsafe = topicLevels.filter(name => !/^\w+$/.test(name))
    expectShown(text, unsafe, name => `: subject.cn is \`${begun(name)}`)
  })

  test.skipIf(!hasScript)('an answer on a terminal: the colours of the program itself and no others', () => {
    const { NO_COLOR: _, ...env } = process.env
    const words = ['policy', 'explain', '--policies', hostileFile, '--', 'device:site=s1,device=pump-7', 'publish']
    const command = [process.execPath, main, ...words, everyArgument].map(word).join(' ')
    const { stdout } = spawnSync('bash', onTerminal(command), { cwd: folder, env, encoding: 'utf8' })
    const text = stdout.replaceAll('\r\n', '\n')
    expect(text).toMatch(/^\u001b\[31mrefuse: publish [^\u001b]*\u001b\[39m\n[^\u001b]*$/)
    expectShown(text.replace('\u001b[31m', '').replace('\u001b[39m', ''), [everyArgument])
  })

  test('configuration: keys, values, names of files', async () => {
    const list = (form: (name: string, index: number) => string): string => everyName.map(form).join('\n')
    const configured = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text)
      const { stdout, stderr, exit } = await portcullis(folder, ['serve', '--config', name, '--policies', hostileFile])
      expect({ stdout, exit }).toEqual({ stdout: '', exit: 3 })
      return stderr
    }
    const issuer = (name: string): string => `{ certificates: [x], root: x, ${ascii(`k${name}`)}: x }`
    const keys = await configured(
      'keys.yaml',
      `${list(name => `${ascii(name)}: x`)}\nissuers:\n${list(name => `  ${ascii(name)}: ${issuer(name)}`)}\n`,
    )
    expectShown(keys, everyName, name => `unknown key \`${shown(name)}\`\n`)
    expectShown(keys, everyName, name => `\`${shown(name)}\` cannot be the name of an issuer`)
    expectShown(keys, everyName, name => `unknown key \`k${shown(name)}\` under \`issuers.${shown(name)}\``)
    const files = (name: string, index: number): string =>
      `  a${index}: { certificates: [${ascii(`c${name}`)}], root: ${ascii(`r${name}`)}, crl: [${ascii(`l${name}`)}] }`
    const tls = (cert: string) => `tls: { certFile: ${ascii(cert)}, keyFile: certs-dev/server.key }\n`
    const missing = await configured('files.yaml', `${tls('certs-dev/server.pem')}issuers:\n${list(files)}\n`)
    expectShown(missing, everyName, name => `c${shown(name)}: config/`)
    expectShown(missing, everyName, name => `r${shown(name)}: config/`)
    const cert = await configured('cert.yaml', `${tls(everyArgument)}issuers: { a: { certificates: [x], root: x } }\n`)
    expectShown(cert, [everyArgument], name => `${shown(name)}: config/`)
    const long = await portcullis(folder, ['serve', '--config', everyArgument])
    expectShown(long.stderr, [everyArgument], name => `${shown(name)}: config/unreadable-file`)
    const none = await portcullis(folder, ['serve', '--config', `${hostileFile}.none`])
    expectShown(none.stderr, [hostileFile], name => `there is no configuration file ${shown(name)}.none\n`)
  })
})

describe('try', { timeout }, () => {
  const attempt = (words: readonly string[]) => portcullis(folder, ['try', '--policies', hostileFile, ...words])

  test('topics, filters and client ids that a broker answers', () =>
    serving(folder, [], async port => {
      const asPump = ['--port', `${port}`, '--as', 'pump-7']
      const topic = `${own}/${topicLevels.join('')}`.slice(0, 800)
      const permitted = await attempt([...asPump, 'publish', topic, 'x'])
      expectShown(permitted.stdout, [topic], text => `permitted: the broker acknowledged ${shown(text)} (QoS 1)\n`)
      for (const text of crowds) {
        const level = text.replace(/[/+#]/g, '')
        const refused = await attempt([...asPump, '--', 'publish', level, 'x'])
        expectShown(refused.stderr, [level], one => `no rule allows to publish \`${begun(one)}`)
        const id = await attempt([...asPump, '--client-id', text, 'publish', own, 'x'])
        expectShown(id.stderr, [text], one => `the client id \`${begun(one)}`)
      }
      const filter = await attempt([...asPump, '--', 'subscribe', `a/${everyArgument}`])
      expectShown(filter.stderr, crowds.slice(0, 1), one => begun(one).slice(0, 100))
    }))

  test('messages that arrive', () =>
    serving(folder, [], async port => {
      const words = [
        'try',
        '--port',
        `${port}`,
        '--as',
        'ops-1',
        '--policies',
        hostileFile,
        '--count',
        `${topicLevels.length}`,
      ]
      const env = { ...process.env, NO_COLOR: '1' }
      const child = spawn(process.execPath, [main, ...words, 'subscribe', 'plant/s1/#'], { cwd: folder, env })
      const [out, err] = [new Told(child.stdout), new Told(child.stderr)]
      await err.has('listening to')
      await besiege(folder, port)
      if (child.exitCode === null) await once(child, 'exit')
      expectShown(out.text, topicLevels, name => `${own}/${shown(name)} ${shown(name).slice(0, 900)}`)
      expect(out.text.trimEnd().split('\n')).toHaveLength(topicLevels.length)
    }))

  test('names of certificates, keys, folders and hosts', async () => {
    const publish = ['publish', 'a']
    const as = await attempt(['--as', everyArgument, ...publish])
    expectShown(as.stderr, [everyArgument], text => `${shown(text)}: tool/unreadable-certificate`)
    const certs = await attempt(['--as', 'nobody', '--certs', everyArgument, ...publish])
    expectShown(certs.stderr, [everyArgument], text => `there is no folder ${shown(text)}\n`)
    for (const option of ['--key', '--ca']) {
      const file = await attempt(['--as', 'pump-7', option, everyArgument, ...publish])
      expectShown(file.stderr, [everyArgument], text => `${shown(text)}: tool/unreadable-certificate`)
    }
    const host = await attempt(['--as', 'pump-7', '--host', everyArgument, ...publish])
    expectShown(host.stderr, [everyArgument])
    const policies = await portcullis(folder, [
      'try',
      '--as',
      'pump-7',
      '--policies',
      everyArgument,
      '--port',
      '1',
      ...publish,
    ])
    expectShown(policies.stderr, [everyArgument], text => `no reasons from ${shown(text)}/`)
  })
})

test('demo: its scenes are hostile themselves', { timeout }, async () => {
  const [text, json] = await Promise.all([portcullis(folder, ['demo']), portcullis(folder, ['demo', '--json'])])
  expectClean(text.stdout + text.stderr)
  expect(text.stdout + text.stderr).toMatch(/^\d+ scenes, 0 differ$/m)
  expectKept(json.stdout, ['acknowledged'])
})
