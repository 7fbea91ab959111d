/** The `policy explain` line of a refusal: what to paste into a shell to see the same decision again, with its reason. */
import { shellQuote } from '../policy/shell-quote.ts'
import type { TracedAction, TracedPeer } from '../trace.ts'
import { escapeTerminal } from './escape-terminal.ts'

/** What `policy explain` assumes where its option is absent. */
const defaultFolder = 'policies'

/**
 * The shell-quoted command; undefined where nothing is known of the peer, or where a text could not be printed as it is.
 * @example explainCommand(peer, { verb: 'publish', topic: 'plant/s1/pump-8/state' }, 'policies')
 */
export function explainCommand(peer: TracedPeer, action: TracedAction, policiesFolder: string): string | undefined {
  const who = whoArgument(peer)
  if (who === undefined) return undefined
  const positional = [who, action.verb, action.topic]
  const options = optionArguments(action, policiesFolder)
  // what starts with a hyphen would be read as an option
  const isOptionLike = positional.some(argument => argument.startsWith('-'))
  const rest = isOptionLike ? [...options, '--', ...positional] : [...positional, ...options]
  if (rest.some(argument => escapeTerminal(argument) !== argument)) return undefined
  return ['npx', 'portcullis', 'policy', 'explain', ...rest.map(shellQuote)].join(' ')
}

/** The identity where one is known, else the subject, unless its display form was cut short. */
function whoArgument(peer: TracedPeer): string | undefined {
  if (peer.who !== undefined) return peer.who
  return peer.subject === undefined || peer.subject === '' || peer.subject.endsWith('…')
    ? undefined
    : `subject:${peer.subject}`
}

function optionArguments(action: TracedAction, policiesFolder: string): readonly string[] {
  const isPublish = action.verb === 'publish' || action.verb === 'will'
  const hasQos = isPublish || action.verb === 'subscribe'
  return [
    ...(hasQos && action.qos ? ['--qos', String(action.qos)] : []),
    ...(isPublish && action.retain ? ['--retain'] : []),
    ...(isPublish && action.payloadBytes ? ['--payload-bytes', String(action.payloadBytes)] : []),
    ...(policiesFolder === defaultFolder ? [] : [`--policies=${policiesFolder}`]),
  ]
}
