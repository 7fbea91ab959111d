// Sums a CPU profile by stage: where the time of the broker's process went, in per cent of what was not idle.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The first that fits an address of the code names its stage. */
const stages = [
  ['framer', /\/dist\/accept\/framer\//],
  ['accept', /\/dist\/accept\//],
  ['authenticate', /\/dist\/authenticate\//],
  ['bind', /\/dist\/(?:bind|gate|mapper|session)/],
  ['decide', /\/dist\/(?:decide|policy)\//],
  ['enforce', /\/dist\/enforce\//],
  ['aedes', /\/node_modules\/aedes/],
  ['mqtt-packet', /\/node_modules\/(?:mqtt-packet|bl)\//],
  ['mqemitter', /\/node_modules\/(?:mqemitter|qlobber|fastparallel|reusify)\//],
  ['node: tls, net, streams', /^node:(?:_tls|net|internal\/(?:streams|stream_base|tls|js_stream))/],
  ['node: other', /^node:/],
  ['other packages', /\/node_modules\//],
]

function stageOf({ functionName, url }) {
  if (url === '') return functionName === '(garbage collector)' ? 'garbage collector' : 'native'
  return stages.find(([, pattern]) => pattern.test(url))?.[0] ?? 'this bench'
}

export function printProfile(title, folder) {
  const [file] = readdirSync(folder)
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const frames = new Map(nodes.map(node => [node.id, node.callFrame]))
  const byStage = new Map()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)
    if (frame.functionName === '(idle)') continue
    const stage = stageOf(frame)
    byStage.set(stage, (byStage.get(stage) ?? 0) + timeDeltas[index])
    total += timeDeltas[index]
  }
  const shares = [...byStage]
    .sort(([, a], [, b]) => b - a)
    .map(([stage, time]) => `${stage} ${((time / total) * 100).toFixed(1)}`)
  console.log(`${title} (%): ${shares.join(' · ')}`)
}
