/** `portcullis enroll request`: the device's side, in one command. Its key never leaves the folder. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { ConfigurationError, problem } from '../../problem.ts'
import { rawNamesOf } from '../../provision/enrol/certificate-names.ts'
import type { CheckedCertificate } from '../../provision/enrol/check-answer.ts'
import { type DeviceEnrolment, enrolDevice } from '../../provision/enrol/enrol-device.ts'
import { createKeys, type KeyType, keyPem, toPem } from '../../provision/keys.ts'
import { requireFree } from '../../provision/staged-files.ts'

import { type DeviceFiles, deviceFiles, pathsOf, stageDevice, threeFiles } from '../device/device-files.ts'
import { answerIssued } from '../device/device-text.ts'
import { keyOption, refuse } from '../device/issue-options.ts'
import { addExitCodes } from '../help.ts'
import { say } from '../io.ts'
import { readPair } from './read-pair.ts'

interface RequestOptions {
  readonly tokenFile?: string
  readonly ca: string
  readonly out: string
  readonly renew?: string
  readonly key: KeyType
  /** Seconds. */
  readonly wait: number
  readonly json?: boolean
}

export function addEnrollRequest(enroll: Command): void {
  const command = enroll
    .command('request')
    .description('on the device: make a key, and fetch or renew its certificate')
    .argument('<url>', 'the service: https://host:8443', parseOrigin)
    .argument('[name]', 'name of the device, with --token-file')
    .requiredOption('--ca <file>', 'the root of the authority: what the service must chain to')
    .option('--token-file <file>', 'first line: the token of `enroll token`')
    .option('--renew <file>', 'show this certificate (its key lies beside it), and put the new pair in its place')
    .option('--out <dir>', 'where the files go', '.')
    .addOption(keyOption())
    .option('--wait <seconds>', 'ask again for so long where the service says later', parseWait, 600)
    .option('--json', 'answer as JSON')
  addExitCodes(
    command.action((origin: URL, name: string | undefined, options: RequestOptions) => {
      if (options.renew !== undefined) {
        if (name !== undefined || options.tokenFile !== undefined)
          command.error('error: --renew takes neither a name nor a token: the certificate says both')
        return renew(origin, options.renew, options)
      }
      if (name === undefined || options.tokenFile === undefined)
        return command.error('error: name the device, and its --token-file (or --renew FILE)')
      return enrol(origin, name, options.tokenFile, options)
    }),
    'portcullis enroll request https://ca.acme.example:8443 --token-file pump-12.token --ca root.pem pump-12',
  )
}

function parseOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.href === `${url.origin}/`) return url
  throw new InvalidArgumentError('Write https://HOST:PORT and nothing behind it.')
}

function parseWait(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number of seconds.')
}

async function enrol(origin: URL, name: string, tokenFile: string, options: RequestOptions): Promise<void> {
  const files = deviceFiles(options.out, name, true, threeFiles)
  await requireFree(pathsOf(files))
  const token = (await read(tokenFile, 'token file')).split(/\r?\n/, 1)[0] ?? ''
  const rootPem = await readRoot(options.ca)
  const keys = createKeys(options.key)
  const wish = { place: { origin, rootPem }, name, keys, token, waitSeconds: options.wait }
  await finish(wish, files, options, false)
}

async function renew(origin: URL, file: string, options: RequestOptions): Promise<void> {
  const name = basename(file, '.pem')
  const files = deviceFiles(dirname(file), name, true, threeFiles)
  const { key, cert } = await readPair(file, join(dirname(file), `${name}.key`))
  const rootPem = await readRoot(options.ca)
  const names = rawNamesOf(new X509Certificate(cert).raw)
  const keys = createKeys(options.key)
  const wish = { place: { origin, rootPem, key, cert }, name, keys, names, waitSeconds: options.wait }
  await finish(wish, files, options, true)
}

async function finish(
  wish: DeviceEnrolment,
  files: DeviceFiles,
  options: RequestOptions,
  replace: boolean,
): Promise<void> {
  const result = await enrolDevice(wish, {
    now: () => new Date(),
    sleep,
    waiting: (seconds, status) => say(`the service answered ${status}: asking again in ${seconds} s`),
  })
  if (!result.ok) {
    refuse(result.problem)
    return
  }
  await write(files, wish, result.value, replace)
  const { leaf } = result.value
  const signed = { serialHex: leaf.serialNumber.toLowerCase(), notAfter: new Date(leaf.validTo) }
  answerIssued({ signed, files }, options.json ?? false)
  say(`${replace ? 'renewed' : 'enrolled'} ${wish.name}`, 'good')
}

async function write(
  files: DeviceFiles,
  { keys, name, place }: DeviceEnrolment,
  { leaf, issuing }: CheckedCertificate,
  replace: boolean,
): Promise<void> {
  const pem = (one: X509Certificate): string => toPem('CERTIFICATE', one.raw)
  const rootPem = pem(new X509Certificate(place.rootPem))
  const material = { name, signed: { der: leaf.raw, pem: pem(leaf) }, keyPem: keyPem(keys.privateKey) }
  const staged = await stageDevice(files, material, threeFiles, { issuingPem: pem(issuing), rootPem })
  await staged.publish({ replace })
}

async function readRoot(file: string): Promise<string> {
  const pem = await read(file, 'root certificate')
  try {
    return new X509Certificate(pem).toString()
  } catch {
    throw unreadable(file, 'the file holds no certificate')
  }
}

function read(file: string, what: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, `the ${what} cannot be read (${error.code})`)
  })
}

function unreadable(file: string, sentence: string): ConfigurationError {
  return new ConfigurationError([problem('config/unreadable-file', sentence, { where: { file } })])
}
