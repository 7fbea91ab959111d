/** `npm run chaos`: one seeded run, and its outcome for scripts/chaos.mjs. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { startRedis } from '../support/redis.ts'
import { Fleet } from './fleet.ts'
import { Node } from './node.ts'
import { type Outcome, Run } from './run.ts'

const { CHAOS_NODES, CHAOS_SEED, CHAOS_MINUTES, CHAOS_FAULTS, CHAOS_OUTCOME } = process.env

function told({ oracle, story, refused, faults, alarms, slowestCloseMs }: Outcome) {
  const of = (kind: string): number => oracle.findings.filter(finding => finding.kind === kind).length
  const { delivered, findings } = oracle
  const counts = { delivered, refused, lost: of('lost'), leaked: of('leaked'), duplicated: of('duplicated') }
  return {
    counts,
    story,
    faults,
    alarms,
    slowestCloseMs,
    findings: findings.slice(0, 10).map(({ sentence }) => sentence),
  }
}

test('chaos', { timeout: 0 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-chaos-'))
  const fleet = await Fleet.make(folder)
  const isCluster = CHAOS_NODES === '2'
  const redis = isCluster ? await startRedis(folder) : undefined
  const names = isCluster ? ['node-a', 'node-b'] : ['broker']
  const where = redis === undefined ? [] : ['--cluster', redis.url]
  const nodes = names.map(name => new Node({ name, folder, args: ['--port', '0', '--policies', 'policies', ...where] }))
  const options = {
    seed: Number(CHAOS_SEED ?? 1),
    minutes: Number(CHAOS_MINUTES ?? 2),
    faults: Number(CHAOS_FAULTS ?? Number.POSITIVE_INFINITY),
  }
  try {
    const outcome = told(await new Run({ ...options, fleet, nodes, redis }).play())
    if (CHAOS_OUTCOME !== undefined) writeFileSync(CHAOS_OUTCOME, JSON.stringify(outcome))
  } finally {
    for (const node of nodes) await node.kill()
    await redis?.stop()
    fleet.close()
    await rm(folder, { recursive: true, force: true })
  }
})
