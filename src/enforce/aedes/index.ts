/** The aedes adapter: `portcullis/aedes`. */
export { type Guarded, type GuardOptions, guard } from './guard.ts'
export { type Listening, type ListenOptions, listen } from './listen.ts'
export { ownersIn } from './owner-store.ts'
