/** A watcher that stops reading, over a real socket: it is not waited for, little is kept for it, and it is told what it lost. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { problem } from '../../../src/problem.ts'
import { type AdminClient, AdminServer } from '../../../src/tool/admin/admin-server.ts'
import { answerRequest } from '../../../src/tool/admin/answer-request.ts'
import { Watchers } from '../../../src/tool/admin/watchers.ts'
import type { TraceEvent } from '../../../src/trace.ts'

const refused = (number: number): TraceEvent => ({
  event: 'refused',
  peer: { address: '192.0.2.1', who: 'device:device=pump-7' },
  action: { verb: 'publish', topic: `${number}/${'x'.repeat(2000)}` },
  problem: problem('decide/no-rule', 'no rule allows it'),
  revision: 'r',
})

test('what it does not read is not kept; what it missed is counted when it reads again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'adm-'))
  const path = join(folder, 'admin.sock')
  let wake: (() => void) | undefined
  const after = (_: number, next: () => void): (() => void) => {
    wake = next
    return () => undefined
  }
  const watchers = new Watchers({ policies: 'p', clock: { now: () => 0, after }, onPermitsWanted: () => undefined })
  const answer = answerRequest({ watchers } as never)
  let client: AdminClient | undefined
  const server = await AdminServer.open({
    path,
    answer: (request, one) => {
      client = one
      return answer(request, one)
    },
  })
  const socket = connect(path)
  socket.write('{"version":1,"command":"watch","refused":true,"who":[],"format":"json"}\n')
  // it reads that it stands, and then no more
  await once(socket, 'readable')

  let told = 0
  const round = async (): Promise<void> => {
    for (let i = 0; i < 300; i++) watchers.trace(refused(told++))
    const next = wake
    wake = undefined
    next?.()
    for (let turn = 0; turn < 20; turn++) await setImmediate()
  }
  do await round()
  while (client?.isDrained() !== false)
  // another hundred rounds find it where it is
  for (let i = 0; i < 100; i++) await round()
  expect(client.isDrained()).toBe(false)

  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  let [shown, lost] = [0, 0]
  // rounds go on
  const rounds = (async () => {
    for (; shown + lost < told; await setImmediate()) wake?.()
  })()
  while (shown + lost < told) {
    const { value } = await lines.next()
    const said = JSON.parse(String(value)) as { readonly line?: string; readonly lost?: number }
    if (said.line !== undefined) shown++
    lost += said.lost ?? 0
  }
  await rounds
  expect(shown + lost).toBe(told)
  expect(lost).toBeGreaterThan(100 * 299 - 250)
  socket.destroy()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})
