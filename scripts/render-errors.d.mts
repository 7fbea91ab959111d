export function renderErrors(
  codes: Readonly<Record<string, { readonly meaning: string; readonly next: string }>>,
): string
