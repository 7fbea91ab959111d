/** The aedes adapter: `portcullis/aedes`. */
export type { Listener } from '../../accept/listener.ts'
export { type Guarded, guard } from './guard.ts'
export { type ListenOptions, listen } from './listen.ts'
