/** The passphrase of an authority: from a file, the environment, or a person who is not shown what is typed. */
import { readFile } from 'node:fs/promises'
import { ConfigurationError, problem } from '../../problem.ts'

const variable = 'PORTCULLIS_CA_PASSPHRASE'
const rootVariable = 'PORTCULLIS_ROOT_PASSPHRASE'
const minLength = 8

export interface PassphraseOptions {
  readonly passphraseFile?: string
}

export interface RootPassphraseOptions extends PassphraseOptions {
  readonly rootPassphraseFile?: string
}

/** The passphrase that opens an authority. */
export async function askPassphrase(options: PassphraseOptions): Promise<string> {
  return (await givenPassphrase(ofAuthority(options))) ?? (await prompt('Passphrase of the authority: '))
}

/** The passphrase that opens the key of a root: its own where one is given, else that of the authority. */
export async function askRootPassphrase(options: RootPassphraseOptions): Promise<string> {
  const own = await givenPassphrase({ file: options.rootPassphraseFile, variable: rootVariable })
  return own ?? (await givenPassphrase(ofAuthority(options))) ?? (await prompt('Passphrase of the root: '))
}

/** The passphrase of a new authority; a typed one is typed twice. */
export async function choosePassphrase(options: PassphraseOptions): Promise<string> {
  const given = await givenPassphrase(ofAuthority(options))
  const chosen = given ?? (await prompt('Passphrase of the new authority: '))
  if (chosen.length < minLength) throw refused(`the passphrase is shorter than ${minLength} characters`)
  if (given === undefined && (await prompt('The same once more: ')) !== chosen) {
    throw refused('the two passphrases differ')
  }
  return chosen
}

interface Source {
  readonly file: string | undefined
  readonly variable: string
}

const ofAuthority = ({ passphraseFile }: PassphraseOptions): Source => ({ file: passphraseFile, variable })

async function givenPassphrase({ file, variable: name }: Source): Promise<string | undefined> {
  const text = file === undefined ? process.env[name] : await readFirstLine(file)
  if (text === '') throw refused('the passphrase is empty')
  return text
}

async function readFirstLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refused(`the passphrase file cannot be read (${error.code})`, file)
  })
  return text.split(/\r?\n/, 1)[0] ?? ''
}

/** Reads a line from the terminal without showing it. */
async function prompt(question: string): Promise<string> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) throw refused('a passphrase is needed, and there is no terminal to ask for it')
  stderr.write(question)
  stdin.setRawMode(true)
  try {
    return await readLine(stdin)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

function readLine(stdin: NodeJS.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = ''
    const end = (settle: () => void): void => {
      stdin.off('data', onData)
      settle()
    }
    const onData = (chunk: Buffer): void => {
      for (const character of chunk.toString('utf8')) {
        const isCancelled = character === '\u0003' || character === '\u0004' // in raw mode Ctrl-C and Ctrl-D are characters
        if (isCancelled) end(() => reject(refused('no passphrase was given')))
        else if (character === '\r' || character === '\n') end(() => resolve(line))
        else line = character === '\u007f' || character === '\b' ? line.slice(0, -1) : line + character
        if (isCancelled || character === '\r' || character === '\n') break
      }
    }
    stdin.on('data', onData).resume()
  })
}

function refused(sentence: string, file?: string): ConfigurationError {
  const help = `use --passphrase-file FILE, or set ${variable}`
  return new ConfigurationError([
    problem('tool/bad-passphrase', sentence, { help, ...(file === undefined ? {} : { where: { file } }) }),
  ])
}
