export { type Credentials, RawClient } from '../../src/tool/demo/raw-client.ts'
