/** What a client saw in a day: one entry per message, and the answers to what it asked. Two brokers are compared by it. */
export interface Transcript {
  /** Name of a step → what was seen in it, in order. */
  readonly [step: string]: readonly string[]
}

export interface Place {
  readonly port: number
  /** A folder as `ensureDevCerts` makes it. */
  readonly certs: string
}

export const own = 'plant/s1/pump-7/telemetry/temp'
export const commandTopic = 'plant/s1/pump-7/command/start'
export const manyMessages = 1000
/** The sample plant, with every QoS and retained telemetry. */
export const generous = (yaml: string): string => yaml.replace('        maxQos: 1\n        retain: false\n', '')

export const numbered = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix} ${index}`)
