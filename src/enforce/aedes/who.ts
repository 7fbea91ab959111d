/** An identity in the form that `policy explain` takes: `device:site=s1,device=pump-7`. Safe values need no escaping. */
import type { MappedIdentity } from '../../policy/model.ts'

export function who(identity: MappedIdentity): string {
  return `${identity.kind}:${[...identity.captures].map(([name, value]) => `${name}=${value}`).join(',')}`
}
