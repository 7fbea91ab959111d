/** How to read the map: each sign with what it means. Pure. */
import { type Drawing, drawingWidth, type Group, type Run, type Shape } from './drawing.ts'
import { flow, heightOf, labelsOf } from './text-flow.ts'

interface Sign {
  /** Draws it within 70 pixels from x, its middle at y. */
  readonly shapes: (x: number, y: number) => readonly Shape[]
  readonly runs: readonly Run[]
  /** What stands in the sign. */
  readonly text?: string
}

const signWidth = 74
const perLine = 2
const lineGap = 8
const cell = drawingWidth / perLine

const plain = (text: string): Run => ({ text, style: 'plain' })
const name = (text: string): Run => ({ text, style: 'name' })
const box = (look: 'card' | 'card-may' | 'number', x: number, y: number, width: number, height: number): Shape => ({
  kind: 'box',
  look,
  x,
  y: y - height / 2,
  width,
  height,
})
const arrow = (look: 'publish' | 'send' | 'derived', x: number, y: number): readonly Shape[] => [
  {
    kind: 'line',
    look,
    points: [
      [x + 4, y],
      [x + 48, y],
    ],
  },
  { kind: 'head', look, x: x + 56, y },
]
const nothing = (): readonly Shape[] => []

const signs: readonly Sign[] = [
  { shapes: (x, y) => arrow('publish', x, y), runs: [name('publish'), plain(': messages go in, full head')] },
  { shapes: (x, y) => arrow('send', x, y), runs: [name('subscribe'), plain(': messages go out, hollow head')] },
  {
    shapes: (x, y) => [
      {
        kind: 'line',
        look: 'deny',
        points: [
          [x + 4, y],
          [x + 44, y],
        ],
      },
      { kind: 'cross', x: x + 50, y },
    ],
    runs: [{ text: '× deny', style: 'deny' }, plain(': nothing passes, whatever allows it')],
  },
  {
    shapes: (x, y) => arrow('derived', x, y),
    runs: [name('may reach, may come from'), plain(': by rules elsewhere in the tree')],
  },
  {
    shapes: (x, y) => [box('card', x + 4, y, 52, 20)],
    runs: [name('role'), plain(' · identities that always have it')],
  },
  {
    shapes: (x, y) => [box('card-may', x + 4, y, 52, 20)],
    runs: [name('role'), plain(' · identities that may have it, by a row of members')],
  },
  {
    shapes: (x, y) => [box('number', x + 20, y, 22, 18)],
    text: '7',
    runs: [name('number'), plain(' of a rule in the table below, with file and line')],
  },
  {
    shapes: nothing,
    runs: [
      { text: 'level', style: 'literal' },
      plain(' as written, '),
      { text: '${name}', style: 'variable' },
      plain(' the client’s own value, '),
      { text: '+', style: 'wildcard' },
      plain(' any one level, '),
      { text: '#', style: 'wildcard' },
      plain(' all from here on'),
    ],
  },
]

/** @example renderDrawing(layoutLegend(), 'Legend', () => '') */
export function layoutLegend(): Drawing {
  const groups: Group[] = []
  let y = 4
  for (let from = 0; from < signs.length; from += perLine) {
    const line = signs
      .slice(from, from + perLine)
      .map(sign => ({ sign, lines: flow(sign.runs, cell - signWidth - 20, 13) }))
    line.forEach(({ sign, lines }, index) => {
      const x = index * cell
      const hasShapes = sign.shapes !== nothing
      const inside = flow([{ text: sign.text ?? '', style: 'faint' }], 18, 12)
      groups.push({
        shapes: sign.shapes(x, y + 9),
        labels: [...labelsOf(inside, x + 27, y + 1, 12), ...labelsOf(lines, x + (hasShapes ? signWidth : 4), y, 13)],
      })
    })
    y += Math.max(...line.map(({ lines }) => heightOf(lines, 13))) + lineGap
  }
  return { width: drawingWidth, height: y, strips: [{ y: 0, height: y, groups }] }
}
