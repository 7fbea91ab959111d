/**
 * XML 1.0, as much of it as reports have, read strictly: a declaration, elements, quoted attributes, text, the five entities. Throws
 * at anything else, at a character that XML does not have, and at tags that do not pair. Apart from `src/`.
 */

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** All text within, its elements aside. */
  readonly text: string
}

/** [2] Char; matched by code points, so that no half of a surrogate pair passes. */
const chars = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u
const reference = '&(?:amp|lt|gt|quot|apos);'
const attribute = `[a-z]+="(?:[^<&"]|${reference})*"`
const token = new RegExp(
  `<\\?xml version="1\\.0" encoding="UTF-8"\\?>|</(?<close>[a-z]+)>|<(?<open>[a-z]+)(?<attributes>(?: ${attribute})*)(?<empty>/?)>|(?<text>(?:[^<>&]|${reference})+)`,
  'uy',
)
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescaped = (text: string): string => text.replace(/&([a-z]+);/g, (_, name: string) => entities[name] ?? '')

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null)
  for (const [, name = '', value = ''] of text.matchAll(/ ([a-z]+)="([^"]*)"/g)) {
    if (name in found) throw new Error(`the attribute ${name} stands twice`)
    // [3.3.3] what a reader makes of them; a line end in an attribute would be lost
    if (/[\t\n\r]/.test(value)) throw new Error(`white space in ${name} is not kept`)
    found[name] = unescaped(value)
  }
  return found
}

/** The root element. */
export function parseXml(document: string): XmlElement {
  if (!chars.test(document)) throw new Error('a character that XML 1.0 does not have')
  const root = { name: '', attributes: {}, children: [] as XmlElement[], text: '' }
  const open = [root]
  token.lastIndex = 0
  for (let at = 0; at < document.length; at = token.lastIndex) {
    const groups = token.exec(document)?.groups
    if (groups === undefined) throw new Error(`not well-formed at ${JSON.stringify(document.slice(at, at + 40))}`)
    const parent = open.at(-1) as typeof root
    if (groups.text !== undefined) parent.text += unescaped(groups.text)
    if (groups.open !== undefined) {
      const made = { name: groups.open, attributes: attributesOf(groups.attributes ?? ''), children: [], text: '' }
      parent.children.push(made)
      if (groups.empty === '') open.push(made)
    }
    if (groups.close === undefined) continue
    if (groups.close !== parent.name) throw new Error(`</${groups.close}> ends <${parent.name}>`)
    open.pop()
  }
  const [element, second] = root.children
  if (open.length !== 1 || element === undefined || second !== undefined || root.text.trim() !== '')
    throw new Error('a document is one element that ends')
  return element
}

/** All elements of a name, in order. */
export function elementsOf(element: XmlElement, name: string): readonly XmlElement[] {
  return [...(element.name === name ? [element] : []), ...element.children.flatMap(child => elementsOf(child, name))]
}
