/** The commands that findings end with. Names come from a ledger, client ids from anybody: each is one word of a shell. */
import { shellQuote } from '../../policy/shell-quote.ts'
import type { AuditedCertificate, Evidence } from './evidence.ts'

/** A last word that stands for itself, even where it begins with a hyphen. */
function word(text: string): string {
  return text.startsWith('-') ? `-- ${shellQuote(text)}` : shellQuote(text)
}

type Options = Pick<Evidence, 'options'>

/** A new certificate for the same names. */
export function renewCommand({ profile, name }: AuditedCertificate, { options }: Options): string {
  return profile === 'server'
    ? `portcullis ca server${options.ca} --dns HOST ${word(name)}`
    : `portcullis device renew${options.ca}${options.policies} ${word(name)}`
}

export function revokeCommand({ serial }: Pick<AuditedCertificate, 'serial'>, { options }: Options): string {
  return `portcullis device revoke${options.ca} --serial ${word(serial)}`
}

export function showCommand({ serial }: Pick<AuditedCertificate, 'serial'>, { options }: Options): string {
  return `portcullis device show${options.ca} --serial ${word(serial)}`
}

export function kickCommand(clientId: string): string {
  return `portcullis session kick ${word(clientId)}`
}

export function caCommand(verb: string, { options }: Options): string {
  return `portcullis ca ${verb}${options.ca}`
}
