import { join } from 'node:path'
import { suiteBy } from './by.ts'

suiteBy({
  name: 'a store on the disk',
  persistence: async folder => ({
    persistence: { kind: 'disk', folder: join(folder, 'store') },
    close: async () => undefined,
  }),
})
