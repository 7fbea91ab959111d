/**
 * Node: what a YAML file says, reduced to texts, lists and maps that know their place. Every scalar is its source text;
 * the shapes decide what it is. Maps are lists of entries, so a key such as `__proto__` is a key like any other.
 */
import type { Where } from '../problem.ts'

/** A text that a person wrote, and where. */
export interface Text {
  readonly text: string
  readonly where: Where
}

export interface TextNode extends Text {
  readonly kind: 'text'
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly Node[]
  readonly where: Where
}

export interface Entry {
  readonly key: Text
  readonly value: Node
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: readonly Entry[]
  readonly where: Where
}

/** A place whose mistake is reported already: readers pass over it in silence. */
export interface BrokenNode {
  readonly kind: 'broken'
  readonly where: Where
}

export type Node = TextNode | ListNode | MapNode | BrokenNode
