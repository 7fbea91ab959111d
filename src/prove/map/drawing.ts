/** What a drawing is made of: plain data with coordinates, in pixels from its upper left corner. Pure. */

/** What a piece of text is, not how it looks: the style sheet decides that. */
export type TextStyle =
  | 'heading'
  | 'name'
  | 'plain'
  | 'faint'
  | 'deny'
  | 'literal'
  | 'variable'
  | 'wildcard'
  | 'separator'

export interface Run {
  readonly text: string
  readonly style: TextStyle
}

/** One line of text; `y` is its baseline, `width` what it takes at most. */
export interface Label {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly size: FontSize
  readonly runs: readonly Run[]
}

/** Pixels; nothing smaller is drawn. */
export type FontSize = 12 | 13 | 15

export type BoxLook = 'band' | 'node' | 'card' | 'card-may' | 'card-deny' | 'identity' | 'chip' | 'chip-may' | 'number'
export type LineLook = 'tree' | 'publish' | 'send' | 'deny' | 'derived' | 'always' | 'may'

export type Shape =
  | {
      readonly kind: 'box'
      readonly look: BoxLook
      readonly x: number
      readonly y: number
      readonly width: number
      readonly height: number
    }
  | {
      readonly kind: 'line'
      readonly look: LineLook
      readonly points: readonly (readonly [number, number])[]
      /** Whether it passes over other lines, and is seen to. */
      readonly isOver?: boolean
    }
  /** The head of an arrow that points to the right, its tip at x, y. */
  | { readonly kind: 'head'; readonly look: 'publish' | 'send' | 'derived'; readonly x: number; readonly y: number }
  /** What stops a line: a cross and a bar. */
  | { readonly kind: 'cross'; readonly x: number; readonly y: number }

/** What belongs together: is explained by one title, and lights up with its role. */
export interface Group {
  readonly role?: string
  readonly title?: string
  /** Number of the entry that it stands for. */
  readonly entry?: number
  readonly shapes: readonly Shape[]
  readonly labels: readonly Label[]
}

/** A part of the drawing that a page break must not cut: from `y` on, over the whole width. */
export interface Strip {
  readonly y: number
  readonly height: number
  readonly groups: readonly Group[]
}

export interface Drawing {
  readonly width: number
  readonly height: number
  readonly strips: readonly Strip[]
}

/** All drawings are as wide as a page that is read at 1,280 pixels. */
export const drawingWidth = 1200
