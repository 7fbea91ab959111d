/** Persistences for aedes without types of their own. */
interface KeptPersistence {
  readonly asyncPersistence: { destroy(): Promise<void> }
}
declare module 'aedes-persistence-level' {
  export default function levelPersistence(db: unknown): KeptPersistence
}
declare module 'aedes-persistence-redis' {
  export default function redisPersistence(options: { readonly port: number; readonly host: string }): KeptPersistence
}
