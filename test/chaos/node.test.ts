/** A process that nobody knows of would go on as one more node. */
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { Node } from './node.ts'

test('a node that is being started is not started a second time, and what it said is told where it does not start', async () => {
  const node = new Node({ name: 'node-a', folder: tmpdir(), args: ['--config', 'absent.yaml'] })
  const started = node.start()
  await expect(node.start()).rejects.toThrow('it is started a second time; node-a is starting')
  await expect(started).rejects.toThrow(/it does not start; node-a is not running: .*absent.yaml/)
  expect(node.isRunning).toBe(false)
  expect(node.starts).toBe(1)
})
