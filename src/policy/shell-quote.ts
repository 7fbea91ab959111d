/** One word of a POSIX shell, for lines that a person pastes. `=` at the start is special to zsh, `~` and `#` to all. Pure. */
export function shellQuote(word: string): string {
  return /^[\w./:,@%+-][\w./:,@%+=-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
