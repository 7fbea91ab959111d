/** A drawing as SVG text: one `<svg>` for each strip, all escaped. How it looks is the style sheet's affair. Pure. */
import { escapeHtml } from '../../observe/escape-html.ts'
import type { Drawing, Group, Label, Shape, Strip } from './drawing.ts'

/** CSS class of a role, by its place in the set: no name from outside gets into a style sheet. */
export type RoleClass = (role: string) => string

const number = (value: number): string => String(Math.round(value * 10) / 10)

function shapeText(shape: Shape): string {
  if (shape.kind === 'box') {
    const { look, x, y, width, height } = shape
    const radius = look === 'number' ? 9 : 6
    return `<rect class="${look}" x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" rx="${radius}"/>`
  }
  const { x, y } = shape.kind === 'line' ? { x: 0, y: 0 } : shape
  if (shape.kind === 'line') return lineText(shape)
  if (shape.kind === 'head') return `<path class="head ${shape.look}" d="M${number(x)} ${number(y)}l-9-5v10z"/>`
  const cross = `M${number(x - 5)} ${number(y - 5)}l10 10m0-10l-10 10`
  return `<path class="halo" d="${cross}"/><path class="cross" d="${cross}"/>`
}

function lineText({ look, points, isOver }: Extract<Shape, { kind: 'line' }>): string {
  const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${number(x)} ${number(y)}`).join('')
  const halo = isOver === true ? `<path class="halo" d="${path}"/>` : ''
  return `${halo}<path class="line ${look}" d="${path}"/>`
}

function labelText({ x, y, size, runs }: Label): string {
  const spans = runs.map(({ text, style }) => `<tspan class="${style}">${escapeHtml(text)}</tspan>`).join('')
  return `<text x="${number(x)}" y="${number(y)}" font-size="${size}">${spans}</text>`
}

function groupText({ role, title, entry, shapes, labels }: Group, classOf: RoleClass): string {
  const inner = [
    ...(title === undefined ? [] : [`<title>${escapeHtml(title)}</title>`]),
    ...shapes.map(shapeText),
    ...labels.map(labelText),
  ].join('')
  const marked = `<g${role === undefined ? '' : ` class="${classOf(role)}"`}>${inner}</g>`
  // an image has no parts that a keyboard could reach: the table has the same links
  return entry === undefined ? marked : `<a href="#rule-${entry}" tabindex="-1">${marked}</a>`
}

function stripText({ y, height, groups }: Strip, width: number, label: string, classOf: RoleClass): string {
  // one pixel to each side for the edges of boxes
  const box = `viewBox="-1 ${number(y)} ${number(width + 2)} ${number(height)}" width="${number(width + 2)}" height="${number(height)}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${box} role="img" aria-label="${escapeHtml(label)}">`,
    ...groups.map(group => groupText(group, classOf)),
    '</svg>',
  ].join('\n')
}

/**
 * @example renderDrawing(layoutTree(root, relations), 'Topics below plant', role => `r${roles.indexOf(role)}`)
 */
export function renderDrawing({ width, strips }: Drawing, label: string, classOf: RoleClass): string {
  const part = (index: number): string => (strips.length === 1 ? '' : `, part ${index + 1} of ${strips.length}`)
  return strips
    .map((strip, index) =>
      stripText(strip, width, `${label}${part(index)}. The tables below say the same in words.`, classOf),
    )
    .join('\n')
}
