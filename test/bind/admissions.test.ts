/** Log-ins of one client id, and who may resume what: each interleaving that could go wrong is forced by a store that waits. */
import { describe, expect, test } from 'vitest'
import { Admissions, type LiveSession, type Request } from '../../src/bind/admissions.ts'
import { connackCodeFor } from '../../src/bind/connack-code.ts'
import { KeptSessions } from '../../src/bind/kept-sessions.ts'
import { MemoryOwnerStore, type Owner, type OwnerStore } from '../../src/bind/owner-store.ts'
import type { MappedIdentity } from '../../src/policy/model.ts'
import { fail, ok, type Problem, problem, type Result } from '../../src/problem.ts'

const device = (name: string, site = 's1'): MappedIdentity => ({
  kind: 'device',
  captures: new Map([
    ['site', site],
    ['device', name],
  ]),
})

/** The certificate of an identity, of a generation: the renewed one differs and is the same owner. */
const ownerOf = (identity: MappedIdentity, generation = 1): Owner => ({
  leafDer: Buffer.from(JSON.stringify([identity.kind, [...identity.captures], generation])),
  issuerKeyId: 'acme',
})

interface TestSession extends LiveSession {
  readonly ended: Problem[]
}

/** A bind stage whose policy is a function and whose broker is a set of client ids with state. */
function bindStage(store: OwnerStore = new MemoryOwnerStore()) {
  let epoch = 0
  let checking: Promise<void> | undefined
  let mapOwner = (owner: Owner, _clientId: string): Result<{ identity: MappedIdentity }> => {
    const [kind, captures] = JSON.parse(owner.leafDer.toString()) as [string, [string, string][]]
    return ok({ identity: { kind, captures: new Map(captures) } })
  }
  const purged: string[] = []
  const unowned: string[] = []
  const state = new Set<string>()
  const kept = new KeptSessions(
    store,
    (owner, clientId) => mapOwner(owner, clientId),
    () => epoch,
  )
  const admissions = new Admissions<TestSession, unknown>(
    kept,
    {
      get count() {
        return epoch
      },
      get checking() {
        return checking
      },
    },
    clientId => unowned.push(clientId),
  )
  admissions.usePurge(async clientId => {
    purged.push(clientId)
    return state.delete(clientId)
  })
  const session = (clientId: string, identity: MappedIdentity): TestSession => {
    const ended: Problem[] = []
    return { clientId, identity, ended, supersede: p => void ended.push(p) }
  }
  const request = (identity: MappedIdentity, changes: Partial<Request<TestSession>> = {}): Request<TestSession> => {
    const clientId = changes.clientId ?? 'pump-7'
    return {
      clientId,
      identity,
      rule: { maxSessions: 1 },
      onTakeover: 'replace',
      clean: false,
      owner: ownerOf(identity),
      begin: () => ok(session(clientId, identity)),
      ...changes,
    }
  }
  return {
    kept,
    admissions,
    purged,
    unowned,
    state,
    request,
    session,
    /** From now on it is being found out who everybody is; call the result when it is known. */
    check: () => {
      let known = (): void => undefined
      checking = new Promise<void>(resolve => {
        known = resolve
      }).then(() => {
        checking = undefined
      })
      return known
    },
    remap: (next: typeof mapOwner) => {
      mapOwner = next
      epoch++
    },
  }
}

const pump7 = device('pump-7')
const must = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.problem.sentence)
  return result.value
}
const codeOf = (result: Result<unknown>): string | undefined => (result.ok ? undefined : result.problem.code)

/** Lets everything run that waits for nothing but promises. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

test('a client that has gone before its turn ends nobody', async () => {
  const stage = bindStage()
  const present = must(await stage.admissions.admit(stage.request(pump7)))
  const late = await stage.admissions.admit(stage.request(pump7, { isGone: () => true }))
  expect(late).toMatchObject({ ok: false, problem: { code: 'bind/client-gone' } })
  expect(present.ended).toEqual([])
  expect(stage.admissions.liveOf('pump-7')).toBe(present)
})

describe('ownership of a kept session (2.3)', () => {
  test('the same identity resumes it, also with a renewed certificate', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    stage.purged.length = 0
    await stage.admissions.admit(stage.request(pump7, { owner: ownerOf(pump7, 2) }))
    expect(stage.purged).toEqual([])
    expect(stage.kept.ownerOf('pump-7')).toEqual(ownerOf(pump7, 2))
  })

  test('another identity that may use the same id is refused: it would read what was queued for the first', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    const refused = await stage.admissions.admit(stage.request(device('pump-7', 's2')))
    expect(codeOf(refused)).toBe('bind/owned')
    expect(connackCodeFor('bind/owned')).toBe(5)
    expect(stage.kept.ownerOf('pump-7')).toEqual(ownerOf(pump7))
  })

  test('where the stored certificate is nobody any more, the session is ended and begins anew', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    stage.purged.length = 0
    stage.remap(() => fail(problem('authenticate/no-identity', 'nobody')))
    must(await stage.admissions.admit(stage.request(device('pump-7', 's2'))))
    expect(stage.purged).toEqual(['pump-7'])
  })

  test('what a broker kept before the guard has no owner: it is ended, and told', async () => {
    const stage = bindStage()
    stage.state.add('pump-7')
    must(await stage.admissions.admit(stage.request(pump7)))
    expect(stage.unowned).toEqual(['pump-7'])
  })

  test('a clean session ends what was kept, and keeps nothing', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    stage.purged.length = 0
    must(await stage.admissions.admit(stage.request(pump7, { clean: true })))
    expect(stage.purged).toEqual(['pump-7'])
    expect(stage.kept.ownerOf('pump-7')).toBeUndefined()
  })

  test('two writers of one store: the slower one looks again, and sees that the session is not its own', async () => {
    const store = new MemoryOwnerStore()
    const stage = bindStage({
      get: clientId => store.get(clientId),
      all: () => store.all(),
      replace: async (clientId, expected, next) => {
        // another node of a cluster has been faster
        await store.replace(clientId, undefined, ownerOf(device('pump-7', 's2')))
        return store.replace(clientId, expected, next)
      },
    })
    expect(codeOf(await stage.admissions.admit(stage.request(pump7)))).toBe('bind/owned')
  })

  test('a store that never takes a value is told as what it is', async () => {
    const stage = bindStage({ get: async () => undefined, all: async () => [], replace: async () => false })
    expect(codeOf(await stage.admissions.admit(stage.request(pump7)))).toBe('bind/owner-store')
  })

  test('a log-in that fails at the last step leaves the owner as it was', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    const late = problem('accept/revoked', 'revoked meanwhile')
    const refused = await stage.admissions.admit(
      stage.request(pump7, { owner: ownerOf(pump7, 2), begin: () => fail(late) }),
    )
    expect(codeOf(refused)).toBe('accept/revoked')
    expect(stage.kept.ownerOf('pump-7')).toEqual(ownerOf(pump7))
  })
})

describe('one log-in of a client id at a time (2.4)', () => {
  test('a newcomer of the same identity waits until the one before is gone', async () => {
    const stage = bindStage()
    const first = must(await stage.admissions.admit(stage.request(pump7)))
    const second = stage.admissions.admit(stage.request(pump7))
    await settle()
    expect(first.ended).toMatchObject([{ code: 'bind/taken-over' }])
    expect(stage.admissions.liveOf('pump-7')).toBe(first)
    stage.admissions.leave(first)
    expect(stage.admissions.liveOf('pump-7')).not.toBe(first)
    expect(must(await second)).toBe(stage.admissions.liveOf('pump-7'))
  })

  test('of two that come at once, exactly one is live in the end, and each was told', async () => {
    const stage = bindStage()
    const both = [1, 2].map(() => stage.admissions.admit(stage.request(pump7)))
    const first = must(await (both[0] as Promise<Result<TestSession>>))
    await settle()
    expect(first.ended).toHaveLength(1)
    stage.admissions.leave(first)
    const second = must(await (both[1] as Promise<Result<TestSession>>))
    expect(stage.admissions.live).toEqual([second])
  })

  test('another identity does not take over a live session, kept or clean', async () => {
    for (const clean of [true, false]) {
      const stage = bindStage()
      const first = must(await stage.admissions.admit(stage.request(pump7, { clean })))
      expect(codeOf(await stage.admissions.admit(stage.request(device('pump-7', 's2'), { clean })))).toBe('bind/owned')
      expect(first.ended).toEqual([])
    }
  })

  test('`onTakeover: refuse` refuses the newcomer', async () => {
    const stage = bindStage()
    const first = must(await stage.admissions.admit(stage.request(pump7)))
    expect(codeOf(await stage.admissions.admit(stage.request(pump7, { onTakeover: 'refuse' })))).toBe(
      'bind/session-live',
    )
    expect(first.ended).toEqual([])
    expect(connackCodeFor('bind/session-live')).toBe(2)
  })

  test('log-ins of other ids do not wait', async () => {
    const stage = bindStage()
    must(await stage.admissions.admit(stage.request(pump7)))
    void stage.admissions.admit(stage.request(pump7))
    must(await stage.admissions.admit(stage.request(device('pump-8'), { clientId: 'pump-8' })))
  })

  test('a session that leaves late does not free the place of the next', async () => {
    const stage = bindStage()
    const first = must(await stage.admissions.admit(stage.request(pump7)))
    stage.admissions.leave(first)
    const second = must(await stage.admissions.admit(stage.request(pump7)))
    stage.admissions.leave(first)
    expect(stage.admissions.liveOf('pump-7')).toBe(second)
  })
})

describe('maxSessions counts live and kept sessions (2.4)', () => {
  const ops = device('ops-1')
  const rule = { maxSessions: 2 }

  test('so many, and one more is refused', async () => {
    const stage = bindStage()
    const live = must(await stage.admissions.admit(stage.request(ops, { clientId: 'ops-1/a', rule })))
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(ops, { clientId: 'ops-1/b', rule }))))
    const third = stage.request(ops, { clientId: 'ops-1/c', rule })
    expect(codeOf(await stage.admissions.admit(third))).toBe('bind/too-many-sessions')
    expect(connackCodeFor('bind/too-many-sessions')).toBe(3)
    // its own kept session is no second one, and other identities do not count
    must(await stage.admissions.admit(stage.request(ops, { clientId: 'ops-1/b', rule })))
    must(await stage.admissions.admit(stage.request(device('ops-2'), { clientId: 'ops-2/a', rule })))
    stage.admissions.leave(live)
  })

  test('two that come at once for the last place: one gets it', async () => {
    const stage = bindStage()
    const results = await Promise.all(
      ['a', 'b'].map(name =>
        stage.admissions.admit(stage.request(ops, { clientId: `ops-1/${name}`, rule: { maxSessions: 1 } })),
      ),
    )
    expect(results.map(codeOf).sort()).toEqual(['bind/too-many-sessions', undefined])
  })
})

describe('when the policy changes (4.1)', () => {
  test('live and kept sessions count for whom they are now (2.4)', async () => {
    const stage = bindStage()
    const [a, b] = [device('a'), device('b')]
    const enter = (identity: MappedIdentity, clientId: string) =>
      stage.admissions.admit(stage.request(identity, { clientId, rule: { maxSessions: 2 } }))
    const live = must(await enter(a, 'live'))
    stage.admissions.leave(must(await enter(a, 'kept')))
    expect(codeOf(await enter(a, 'third'))).toBe('bind/too-many-sessions')
    must(await enter(b, 'of-b'))
    // both become sessions of b; the one of b that is there already makes three
    Object.assign(live, { identity: b })
    stage.remap(() => ok({ identity: b }))
    must(await enter(a, 'fresh'))
    expect(codeOf(await enter(b, 'fourth'))).toBe('bind/too-many-sessions')
  })

  test('a log-in is counted when it is known who everybody is, and not before', async () => {
    const stage = bindStage()
    const [a, b] = [device('a'), device('b')]
    const live = must(await stage.admissions.admit(stage.request(a, { clientId: 'live' })))
    stage.remap(() => ok({ identity: b }))
    const known = stage.check()
    const entering = stage.admissions.admit(stage.request(b, { clientId: 'new' }))
    await settle()
    // this is what the check finds out last
    Object.assign(live, { identity: b })
    known()
    expect(codeOf(await entering)).toBe('bind/too-many-sessions')
  })

  test('a kept session whose owner is nobody any more is ended', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    stage.purged.length = 0
    stage.remap(() => fail(problem('authenticate/no-identity', 'nobody')))
    await stage.admissions.review('pump-7', () => stage.kept.mappingOf('pump-7') !== undefined)
    expect(stage.purged).toEqual(['pump-7'])
    expect(stage.kept.clientIds).toEqual([])
  })

  test('one that is still live is ended when it has gone, not before', async () => {
    const stage = bindStage()
    const live = must(await stage.admissions.admit(stage.request(pump7)))
    stage.purged.length = 0
    stage.remap(() => fail(problem('authenticate/no-identity', 'nobody')))
    const reviewed = stage.admissions.review('pump-7', () => stage.kept.mappingOf('pump-7') !== undefined)
    await settle()
    expect(stage.purged).toEqual([])
    stage.admissions.leave(live)
    await reviewed
    expect(stage.purged).toEqual(['pump-7'])
  })

  test('one that may stay after all, when its turn comes, stays', async () => {
    const stage = bindStage()
    stage.admissions.leave(must(await stage.admissions.admit(stage.request(pump7))))
    stage.purged.length = 0
    await stage.admissions.review('pump-7', () => true)
    expect(stage.purged).toEqual([])
  })
})
