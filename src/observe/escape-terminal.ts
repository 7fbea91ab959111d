/** Escaper of the terminal: a name cannot drive it, forge a line or reorder one (docs/semantics.md 5.4). */
import { escapeControls } from '../policy/quote.ts'

/** For one line of text that holds values from outside. Idempotent: its output has nothing left to escape. */
export function escapeTerminal(line: string): string {
  return escapeControls(line)
}
