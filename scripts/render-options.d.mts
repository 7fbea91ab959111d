import type { Command } from 'commander'

export function withOptions(page: string, command: Command): string
