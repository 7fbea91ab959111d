import { suiteBy } from './by.ts'

const skips = {
  'a client that says everything at once and goes is heard': 'a WebSocket that has been closed cannot be answered',
}

suiteBy({ name: 'the plain path', fastPath: false })
suiteBy({ name: 'WebSocket', isWebSocket: true, skips })
suiteBy({ name: 'WebSocket on the plain path', isWebSocket: true, fastPath: false, skips })
