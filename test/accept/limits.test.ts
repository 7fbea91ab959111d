import { describe, expect, it } from 'vitest'
import { addressKey, limitNames, limitTable, resolveLimits } from '../../src/accept/limits.ts'
import type { ConfigurationError } from '../../src/problem.ts'
import { problemCodes } from '../../src/problem-codes.ts'

describe('resolveLimits', () => {
  it('fills in the defaults', () => {
    expect(resolveLimits()).toEqual({
      handshakeSeconds: 10,
      connectSeconds: 10,
      unauthenticatedPerAddress: 64,
      connections: 10_000,
      connectBytes: 16 * 1024,
      packetBytes: 256 * 1024,
      filtersPerSubscribe: 100,
      subscriptions: 1000,
      topicBytes: 1024,
      topicLevels: 32,
      queuedMessages: 1000,
      queuedBytes: 4 * 1024 * 1024,
      retainedTopics: 1000,
      deniedPerMinute: 60,
      backlogBytes: 1024 * 1024,
      writeStallSeconds: 20,
      keepAliveSeconds: 1200,
    })
    expect(resolveLimits({ connections: 5, connectSeconds: undefined })).toMatchObject({
      connections: 5,
      connectSeconds: 10,
    })
  })

  it.each(limitNames)('takes %s from 1 to its maximum', name => {
    const { maximum, code } = limitTable[name]
    expect(resolveLimits({ [name]: 1 })[name]).toBe(1)
    expect(resolveLimits({ [name]: maximum })[name]).toBe(maximum)
    for (const wrong of [0, maximum + 1, 1.5, Number.NaN, -1]) {
      expect(() => resolveLimits({ [name]: wrong })).toThrow(/config\/bad-value: limit/)
    }
    expect(problemCodes).toHaveProperty([code])
  })

  it('tells every mistake', () => {
    try {
      resolveLimits({ connections: 0, connectSeconds: 0 })
      expect.unreachable()
    } catch (error) {
      expect((error as ConfigurationError).problems).toHaveLength(2)
    }
  })
})

describe('addressKey', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('counts %s as %s', (ip, key) => {
    expect(addressKey(ip)).toBe(key)
  })
})
