/** The JSON Schema of policy files, for editors: generated from the shapes that the loader reads with. */
import { policyFileSchema } from './read-sections.ts'
import { testFileSchema } from './read-tests.ts'

/** What `schema/policy.schema.json` holds: a policy file, or a test file. */
export function policyJsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Portcullis policy',
    description: 'A file of a Portcullis policy set (*.yaml), or its tests (*.test.yaml).',
    anyOf: [policyFileSchema, testFileSchema],
  }
}
