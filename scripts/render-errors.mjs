/** Renders docs/errors.md from the registry of problem codes. Pure: `write-errors.mjs` and `test/errors.test.ts` share it. */

/** What a family of codes is about, in the order of the page. */
const families = [
  ['accept', 'the TLS connection, the issuers and the CRLs'],
  ['authenticate', 'the certificate and the identity that it names'],
  ['bind', 'the client identifier and the will of a CONNECT'],
  ['decide', 'a publish, a subscription, a delivery'],
  ['enforce', 'the broker side'],
  ['cluster', 'several nodes on one Redis'],
  ['policy', 'the files of a policy set'],
  ['config', '`portcullis.config.yaml` and the options of the command line'],
  ['source', 'where policies and revocations come from'],
  ['provision', 'making certificates'],
  ['tool', 'the command line'],
]

const preamble = `# Errors

Every refusal and every mistake that Portcullis reports carries one of these codes, a sentence about the case at hand and, where
there is one, the place (\`file:line:column\`) and a line of help. Codes are stable; sentences are not. A refused publish, for
example, is an entry with a code of the family \`decide\` in the log, and \`portcullis policy explain\` asks the same question again.

This page is written from \`src/problem-codes.ts\` by \`npm run docs:errors\`; a test keeps the two in step.
`

/** A pipe would end the cell. */
const cell = text => text.replaceAll('|', '\\|')

const familyOf = code => code.split('/')[0]

function section(title, codes) {
  const rows = codes.map(([code, { meaning, next }]) => `| \`${code}\` | ${cell(meaning)} | ${cell(next)} |`)
  return `\n## ${title}\n\n| code | what it means | what to do next |\n|---|---|---|\n${rows.join('\n')}\n`
}

/**
 * @param {Readonly<Record<string, { readonly meaning: string, readonly next: string }>>} codes
 * @returns {string} the whole page
 */
export function renderErrors(codes) {
  const sorted = Object.entries(codes).sort(([a], [b]) => (a < b ? -1 : 1))
  const strangers = [...new Set(sorted.map(([code]) => familyOf(code)))].filter(
    name => !families.some(([known]) => known === name),
  )
  if (strangers.length > 0)
    throw new Error(`families without a heading in scripts/render-errors.mjs: ${strangers.join(', ')}`)
  const sections = families
    .map(([name, about]) => [`${name}: ${about}`, sorted.filter(([code]) => familyOf(code) === name)])
    .filter(([, members]) => members.length > 0)
  return preamble + sections.map(([title, members]) => section(title, members)).join('')
}
