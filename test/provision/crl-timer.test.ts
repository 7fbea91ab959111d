/** The timer that keeps CRLs fresh: a clock and a timer that only the test moves. */
import { describe, expect, test } from 'vitest'
import { CrlTimer } from '../../src/provision/crl-timer.ts'

const hour = 3_600_000

/** Time with one alarm; `advance` rings it as often as it falls due. The clock may be set meanwhile. */
class Bench {
  elapsedMs = 0
  setByMs = 0
  behind = false
  fails: Error | undefined
  written: number[] = []
  readonly lines: string[] = []
  #alarm: { readonly at: number; readonly run: () => void } | undefined
  readonly timer = new CrlTimer({
    everyMs: 12 * hour,
    now: () => this.elapsedMs + this.setByMs,
    timer: {
      set: (run, ms) => {
        this.#alarm = { at: this.elapsedMs + ms, run }
      },
      clear: () => {
        this.#alarm = undefined
      },
    },
    write: async () => {
      if (this.fails !== undefined) throw this.fails
      this.written.push(this.elapsedMs)
      this.behind = false
      return 'wrote acme.crl'
    },
    isBehind: async () => this.behind,
    tell: (line, tone) => this.lines.push(`${tone} ${line}`),
    sentenceOf: error => (error as Error).message,
  })

  get isWaiting(): boolean {
    return this.#alarm !== undefined
  }

  async advance(ms: number): Promise<void> {
    const end = this.elapsedMs + ms
    for (let alarm = this.#alarm; alarm !== undefined && alarm.at <= end; alarm = this.#alarm) {
      this.elapsedMs = alarm.at
      this.#alarm = undefined
      alarm.run()
      await this.settled()
    }
    this.elapsedMs = end
  }

  /** What was begun is done. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
}

describe('the timer', () => {
  test('writes at the start and at every interval, with one line each', async () => {
    const bench = new Bench()
    await bench.timer.start()
    await bench.advance(12 * hour - 1)
    expect(bench.written).toEqual([0])
    await bench.advance(24 * hour)
    expect(bench.written).toEqual([0, 12 * hour, 24 * hour])
    expect(bench.lines).toEqual(['plain wrote acme.crl', 'plain wrote acme.crl', 'plain wrote acme.crl'])
  })

  test('writes at once where the ledger has changed, and counts the interval from then', async () => {
    const bench = new Bench()
    await bench.timer.start()
    await bench.advance(5 * hour)
    await bench.timer.changed()
    expect(bench.written).toEqual([0])
    bench.behind = true
    await bench.timer.changed()
    await bench.advance(12 * hour)
    expect(bench.written).toEqual([0, 5 * hour, 17 * hour])
  })

  test('finds within a minute what no change of a file has told', async () => {
    const bench = new Bench()
    await bench.timer.start()
    bench.behind = true
    await bench.advance(60_000)
    expect(bench.written).toEqual([0, 60_000])
  })

  test('tells a failure and tries again after a minute, until it works', async () => {
    const bench = new Bench()
    await bench.timer.start()
    bench.fails = new Error('ENOSPC')
    await bench.advance(12 * hour + 60_000)
    bench.fails = undefined
    await bench.advance(60_000)
    const told = 'bad the CRL was not written: ENOSPC; the next try is in 60 s'
    expect(bench.lines).toEqual(['plain wrote acme.crl', told, told, 'plain wrote acme.crl'])
    await bench.advance(12 * hour)
    expect(bench.written).toEqual([0, 12 * hour + 120_000, 24 * hour + 120_000])
  })

  test('goes on where the first writing fails', async () => {
    const bench = new Bench()
    bench.fails = new Error('EACCES')
    await bench.timer.start()
    bench.fails = undefined
    await bench.advance(60_000)
    expect(bench.written).toEqual([60_000])
  })

  test('writes once the clock has jumped, forwards as after a sleep, or back', async () => {
    const bench = new Bench()
    await bench.timer.start()
    bench.setByMs = 30 * hour
    await bench.advance(60_000)
    bench.setByMs = 10 * hour
    await bench.advance(60_000)
    expect(bench.written).toEqual([0, 60_000, 120_000])
    await bench.advance(hour)
    expect(bench.written).toHaveLength(3)
  })

  test('does nothing more once it is stopped, and finishes what it was at', async () => {
    const bench = new Bench()
    const first = bench.timer.start()
    await bench.timer.stop()
    await first
    expect(bench.isWaiting).toBe(false)
    await bench.timer.changed()
    await bench.advance(24 * hour)
    expect(bench.written.length).toBeLessThanOrEqual(1)
  })

  test('does one thing at a time', async () => {
    const bench = new Bench()
    bench.behind = true
    await Promise.all([bench.timer.start(), bench.timer.changed(), bench.timer.changed()])
    expect(bench.written).toEqual([0])
  })
})
