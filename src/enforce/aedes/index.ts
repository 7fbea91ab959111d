/** The aedes adapter: `portcullis/aedes`. */
export type { Listener } from '../../accept/listener.ts'
export { type Guarded, type GuardOptions, guard } from './guard.ts'
export { type ListenOptions, listen } from './listen.ts'
