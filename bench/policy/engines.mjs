// What is measured. Each engine prepares a world as its documentation says to, and returns a function that decides. Loops, regular
// expressions, CASL and "per session" get the rules of one session with its values put in; "whole" gets the policy.
import { createMongoAbility, subject } from '@casl/ability'
import cedar from '@cedar-policy/cedar-wasm/nodejs'
import { newEnforcer, newModelFromString, StringAdapter } from 'casbin'
import mqttMatch from 'mqtt-match'
import { BoundRights } from '../../dist/decide/bound-rights.js'
import { compileRights } from '../../dist/decide/compile-rights.js'
import { Program } from '../../dist/decide/program.js'
import { grantsOf, makeRoleSet } from '../../dist/decide/role-set.js'
import { compileFloor, decideFloor, decideFloorBytes } from './floor.mjs'
import { holderOf, matches } from './workload.mjs'

const facts = { qos: 0, retain: false, payloadBytes: 0 }

export function rightsOf(world) {
  return world.sessions.map(session => {
    const rights = compileRights(world.set, holderOf(session))
    if (!rights.ok) throw new Error(rights.problem.sentence)
    return rights.value
  })
}

const actionOf = (world, index) => (world.isReceive[index] === 1 ? 'receive' : 'publish')

const slots = ['site', 'device']

function floorOf(world) {
  const machines = new Map()
  return world.sessions.map(session => {
    const key = session.roles.join(' ')
    if (!machines.has(key)) {
      const rules = session.roles.flatMap(role => world.roles[role])
      const of = action =>
        compileFloor(
          rules.filter(one => one[1] === action).map(([effect, , filter]) => [effect, filter.split('/')]),
          slots,
        )
      machines.set(key, { publish: of('publish'), receive: of('subscribe') })
    }
    return { ...machines.get(key), values: [session.site, session.device] }
  })
}

/** Decides by a list of a session's rules: any deny first, then any allow. */
function loop(prepare, isMatch) {
  return world => {
    const lists = world.sessions.map(({ rules }) => {
      const of = (action, effect) =>
        rules.filter(rule => rule.action === action && rule.effect === effect).map(rule => prepare(rule))
      return {
        publish: { allow: of('publish', 'allow'), deny: of('publish', 'deny') },
        receive: { allow: of('receive', 'allow'), deny: of('receive', 'deny') },
      }
    })
    const { who, isReceive, topics } = world
    return index => {
      const { allow, deny } = isReceive[index] === 1 ? lists[who[index]].receive : lists[who[index]].publish
      const topic = topics[index]
      const some = list => {
        for (let at = 0; at < list.length; at++) if (isMatch(list[at], topic)) return true
        return false
      }
      return !some(deny) && some(allow)
    }
  }
}

const escapePattern = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** `P/#` takes P too, levels may be empty, and a wildcard first level takes no `$…`. */
function sourceOf({ levels }) {
  const isOpen = levels.at(-1) === '#'
  const parts = levels.slice(0, isOpen ? -1 : undefined).map(level => (level === '+' ? '[^/]*' : escapePattern(level)))
  const guard = levels[0] === '+' || levels[0] === '#' ? '(?!\\$)' : ''
  if (parts.length === 0) return `^${guard}.+$`
  return `^${guard}${parts.join('/')}${isOpen ? '(?:/.*)?' : ''}$`
}

async function casbinWhole(world) {
  const model = newModelFromString(`
[request_definition]
r = sub, obj, act
[policy_definition]
p = role, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && g(r.sub, p.role) && mqttMatch(r.sub, r.obj, p.obj)
`)
  const name = session => `s${session.index}`
  const lines = [
    ...world.roles.flatMap((rules, role) =>
      rules.map(
        ([effect, action, filter]) =>
          `p, r${role}, ${filter}, ${action === 'publish' ? 'publish' : 'receive'}, ${effect}`,
      ),
    ),
    ...world.sessions.flatMap(session => session.roles.map(role => `g, ${name(session)}, r${role}`)),
  ]
  const enforcer = await newEnforcer(model, new StringAdapter(lines.join('\n')))
  const byName = new Map(world.sessions.map(session => [name(session), session]))
  await enforcer.addFunction('mqttMatch', (sub, topic, filter) => {
    const { site, device } = byName.get(sub)
    return mqttMatch(
      filter.replace('${site}', () => site).replace('${device}', () => device),
      topic,
    )
  })
  const names = world.sessions.map(name)
  return index => enforcer.enforceSync(names[world.who[index]], world.topics[index], actionOf(world, index))
}

async function casbinOwn(world) {
  const enforcers = []
  for (const { rules } of world.sessions) {
    const model = newModelFromString(`
[request_definition]
r = obj, act
[policy_definition]
p = obj, act, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && regexMatch(r.obj, p.obj)
`)
    const lines = rules.map(rule => `p, "${sourceOf(rule)}", ${rule.action}, ${rule.effect}`)
    enforcers.push(await newEnforcer(model, new StringAdapter(lines.join('\n'))))
  }
  return index => enforcers[world.who[index]].enforceSync(world.topics[index], actionOf(world, index))
}

function casl(world) {
  const abilities = world.sessions.map(({ rules }) => {
    const of = effect =>
      rules
        .filter(rule => rule.effect === effect)
        .map(rule => ({
          action: rule.action,
          subject: 'Topic',
          inverted: effect === 'deny',
          conditions: { topic: { $regex: new RegExp(sourceOf(rule)) } },
        }))
    // the last that fits decides
    return createMongoAbility([...of('allow'), ...of('deny')])
  })
  return index =>
    abilities[world.who[index]].can(actionOf(world, index), subject('Topic', { topic: world.topics[index] }))
}

/** `like` knows `*` only, and that crosses levels: the levels come one by one. */
function cedarPolicy([effect, action, filter], role) {
  const levels = filter.split('/')
  const isOpen = levels.at(-1) === '#'
  const fixed = isOpen ? levels.slice(0, -1) : levels
  const tests = fixed.flatMap((level, at) => {
    if (level === '+') return []
    const value = { '${site}': 'principal.site', '${device}': 'principal.device' }[level] ?? JSON.stringify(level)
    return [`context.l${at} == ${value}`]
  })
  const length = `context.n ${isOpen ? '>=' : '=='} ${fixed.length}`
  const head = `principal in Role::"r${role}", action == Action::"${action === 'publish' ? 'publish' : 'receive'}", resource`
  return `${effect === 'allow' ? 'permit' : 'forbid'}(${head}) when { ${[length, ...tests].join(' && ')} };`
}

function cedarBy(rolesOf) {
  return world => {
    const ids = world.sessions.map(session => {
      const roles = rolesOf(world, session)
      const id = `${world.size} ${roles.join(' ')}`
      return { id, roles }
    })
    for (const [id, roles] of new Map(ids.map(one => [one.id, one.roles]))) {
      const text = roles.flatMap(role => world.roles[role].map(rule => cedarPolicy(rule, role))).join('\n')
      const answer = cedar.preparsePolicySet(id, { staticPolicies: text })
      if (answer.type !== 'success') throw new Error(JSON.stringify(answer))
    }
    const entities = world.sessions.map(({ site, device, roles, index }) => [
      {
        uid: { type: 'Device', id: `s${index}` },
        attrs: { site, device },
        parents: roles.map(role => ({ type: 'Role', id: `r${role}` })),
      },
    ])
    return index => {
      const session = world.who[index]
      const levels = world.topics[index].split('/')
      const context = { n: levels.length }
      for (let at = 0; at < levels.length; at++) context[`l${at}`] = levels[at]
      const answer = cedar.statefulIsAuthorized({
        principal: { type: 'Device', id: `s${session}` },
        action: { type: 'Action', id: actionOf(world, index) },
        resource: { type: 'Topic', id: 't' },
        context,
        preparsedPolicySetId: ids[session].id,
        entities: entities[session],
      })
      return answer.type === 'success' && answer.response.decision === 'allow'
    }
  }
}

/** Every engine: a world in, a function that decides out. The first is what all are compared with. */
export const engines = {
  'floor, string': world => {
    const own = floorOf(world)
    const { who, isReceive, topics } = world
    return index => {
      const { publish, receive, values } = own[who[index]]
      return decideFloor(isReceive[index] === 1 ? receive : publish, topics[index], values)
    }
  },
  'portcullis, string': world => decideStrings(world, rightsOf(world)),
  'floor, bytes': world => {
    const own = floorOf(world)
    const { who, isReceive, bytes, starts, ends } = world
    return index => {
      const { publish, receive, values } = own[who[index]]
      return decideFloorBytes(isReceive[index] === 1 ? receive : publish, bytes, starts[index], ends[index], values)
    }
  },
  'portcullis, bytes': world => {
    const rights = rightsOf(world)
    const { who, isReceive, bytes, starts, ends } = world
    return index => {
      const own = rights[who[index]]
      const decision =
        isReceive[index] === 1
          ? own.receiveBytes(bytes, starts[index], ends[index])
          : own.publishBytes(bytes, starts[index], ends[index], facts)
      return decision.effect === 'permit'
    }
  },
  'portcullis, decode + string': world => {
    const rights = rightsOf(world)
    const { who, isReceive, bytes, starts, ends } = world
    return index => {
      const own = rights[who[index]]
      const topic = bytes.utf8Slice(starts[index], ends[index])
      return (isReceive[index] === 1 ? own.receive(topic) : own.publish(topic, facts)).effect === 'permit'
    }
  },
  'portcullis, no automaton': world => {
    const roleSets = new Map()
    const rights = world.sessions.map(session => {
      const { roles, variables } = holderOf(session)
      const key = roles.join(' ')
      if (!roleSets.has(key)) roleSets.set(key, makeRoleSet(grantsOf(world.set, roles), new Map()))
      const roleSet = roleSets.get(key)
      const values = roleSet.variables.map(name => variables.get(name)[0])
      return new BoundRights(new Program(roleSet, undefined, false), values)
    })
    return decideStrings(world, rights)
  },
  'RegExp loop': loop(
    rule => new RegExp(sourceOf(rule)),
    (pattern, topic) => pattern.test(topic),
  ),
  'mqtt-match loop': loop(
    rule => rule.filter,
    (filter, topic) => mqttMatch(filter, topic),
  ),
  'split loop': loop(
    rule => rule.levels,
    (levels, topic) => matches(levels, topic.split('/')),
  ),
  CASL: casl,
  'casbin per session': casbinOwn,
  'casbin, whole policy': casbinWhole,
  'cedar, own roles': cedarBy((_, session) => session.roles),
  'cedar, whole policy': cedarBy(world => [...world.roles.keys()]),
  '(harness only)':
    ({ who, isReceive, topics, expected }) =>
    index =>
      who[index] + isReceive[index] + topics[index].length > 0 && expected[index] === 1,
}

function decideStrings({ who, isReceive, topics }, rights) {
  return index => {
    const own = rights[who[index]]
    const topic = topics[index]
    return (isReceive[index] === 1 ? own.receive(topic) : own.publish(topic, facts)).effect === 'permit'
  }
}
