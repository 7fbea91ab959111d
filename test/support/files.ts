/** Files of the project, for tests about the project itself. */
import { readdirSync } from 'node:fs'

/** The project's folder. */
export const root = new URL('../../', import.meta.url)

/** Every file below a folder of the project, as a path from the project's folder with `/`, sorted. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(new URL(`${folder}/`, root), { withFileTypes: true })
    .flatMap(entry => (entry.isDirectory() ? filesOf(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]))
    .sort()
}
