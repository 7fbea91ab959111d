/** Log-in hooks. The session is bound before aedes sees the CONNECT; these assert that, and ask the host's hooks. */
import { type Problem, problem } from '../../problem.ts'
import { nothingRemembered } from './deliveries.ts'
import { logIn } from './fast/log-in.ts'
import { type HookContext, internal, refusal, unguarded } from './hooks.ts'
import type { AedesHooks } from './shape.ts'

export function preConnect(context: HookContext): AedesHooks['preConnect'] {
  return (client, packet, callback) => {
    // nothing behind the CONNECT is read before the log-in is through
    client.pause()
    if (client.duplicates !== undefined) client.duplicates = nothingRemembered
    const connection = context.connectionOf(client.conn)
    const session = connection?.session
    const stop = (p: Problem): void => {
      if (connection === undefined) {
        context.gate.trace({ event: 'connect-refused', peer: { address: 'unknown' }, problem: p })
        client.conn.destroy()
      } else {
        connection.close(p)
      }
      callback(null, false)
    }
    if (connection === undefined || session === undefined || packet.clientId !== session.clientId) {
      return stop(unguarded())
    }
    try {
      context.host('preConnect').call(context.broker, client, packet, (error, successful) => {
        if (error || successful !== true)
          return stop(problem('enforce/host-refused', "the host's preConnect hook refused"))
        packet.clientId = session.clientId
        callback(null, true)
      })
    } catch (error) {
      stop(internal(error))
    }
  }
}

export function authenticate(context: HookContext): AedesHooks['authenticate'] {
  return (client, username, password, callback) => {
    const connection = context.connectionOf(client.conn)
    const stop = (p: Problem, returnCode: number): void => {
      connection?.refuse(p)
      callback(refusal(p, returnCode), null)
    }
    const session = connection?.session
    if (connection === undefined || session === undefined) return stop(unguarded(), 5)
    if (client.id !== session.clientId) {
      return stop(problem('enforce/host-refused', 'the client id was changed after it was bound'), 2)
    }
    try {
      context.host('authenticate').call(context.broker, client, username, password, (error, successful) => {
        if (!error && successful === true) {
          if (!context.isFast || !logIn(context.broker, client, connection.keepAliveSeconds)) callback(null, true)
          return
        }
        stop(problem('enforce/host-refused', "the host's authenticate hook refused"), error?.returnCode ?? 5)
      })
    } catch (error) {
      stop(internal(error), 5)
    }
  }
}
