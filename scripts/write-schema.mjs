/** Writes schema/policy.schema.json from the shapes that the loader reads with. Run after `npm run build`. */
import { writeFileSync } from 'node:fs'
import { policyJsonSchema } from '../dist/policy/json-schema.js'

writeFileSync(
  new URL('../schema/policy.schema.json', import.meta.url),
  `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
)
