/** What the policy on this machine says about somebody with a certificate: the client id to use, and why a refusal. */

import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadIssuers } from '../../accept/load-issuers.ts'
import { openRevocations } from '../../accept/revocation.ts'
import type { Qos } from '../../decide/decision.ts'
import { explainCommand } from '../../observe/explain-command.ts'
import type { PolicySet } from '../../policy/model.ts'
import { fail, PolicyError, type Problem, problem, type Result } from '../../problem.ts'
import { loadPolicyFolder } from '../../source/folder.ts'
import { defaultConfigurationFile } from '../configuration.ts'
import { issuerNamesOf } from '../configured-issuers.ts'
import { identifyCertificateFile } from '../explain/certificate-identity.ts'
import { type ExplainedAction, type ExplainedWho, type Explanation, explain } from '../explain/explain.ts'
import { say } from '../io.ts'
import type { DeviceCredentials } from './credentials.ts'

export interface AdviceOptions {
  readonly policies: string
  readonly config?: string
}

/** Undefined in any field: this machine does not know. */
export interface Advice {
  /** With `free` where the template has `+`. */
  clientId(free: string): string | undefined
  about(action: ExplainedAction): Explanation | undefined
  /** The highest QoS up to 1 that the policy grants; 1 where it grants none. */
  qosFor(action: Omit<ExplainedAction, 'qos'>): Qos
  /** The `policy explain` line that answers the same, where there is one. */
  explainLine(action: ExplainedAction): string | undefined
  readonly dropsDeniedPublish: boolean
}

interface Known {
  readonly set: PolicySet
  readonly who: ExplainedWho
  readonly subject: string
}

/** Without a policy folder there is no advice, and one line on stderr says so. */
export async function takeAdvice(credentials: DeviceCredentials, options: AdviceOptions): Promise<Advice> {
  const known = await learn(credentials, options)
  const about = (action: ExplainedAction): Explanation | undefined => known && explain(known.set, known.who, action)
  return {
    clientId: free =>
      about({ verb: 'connect', topic: '', qos: 0, retain: false, payloadBytes: 0 })?.clientIds[0]?.replace('+', free),
    about,
    qosFor: action => {
      const permits = (qos: Qos): boolean => {
        const explanation = about({ ...action, qos })
        return explanation?.effect === 'permit' && (explanation.grantedQos ?? qos) >= qos
      }
      return !permits(1) && permits(0) ? 0 : 1
    },
    explainLine: action => {
      const explanation = about(action)
      if (known === undefined || explanation?.problem?.code.startsWith('accept/')) return undefined
      const identity = explanation?.identity
      const who =
        identity && `${identity.kind}:${[...identity.captures].map(([name, value]) => `${name}=${value}`).join(',')}`
      const peer = { address: '', ...(who === undefined ? { subject: known.subject } : { who }) }
      return explainCommand(peer, action, options.policies)
    },
    dropsDeniedPublish: known?.set.settings.onDeniedPublish === 'drop',
  }
}

async function learn(credentials: DeviceCredentials, options: AdviceOptions): Promise<Known | undefined> {
  const config = options.config ?? (existsSync(defaultConfigurationFile) ? defaultConfigurationFile : undefined)
  try {
    const { set } = await loadPolicyFolder(options.policies, { issuers: await issuerNamesOf(config), runTests: false })
    const { certificate, identity } = await identifyCertificateFile(credentials.file, set, {
      config,
      nowMs: Date.now(),
    })
    const refusal = config === undefined ? await developmentRefusal(credentials, certificate.serial) : undefined
    const result: Result<never> | typeof identity = refusal === undefined ? identity : fail(refusal)
    return { set, who: { kind: 'result', result }, subject: certificate.subjectText }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    say(
      `no reasons from ${options.policies}/: ${error.problems[0]?.sentence ?? 'it does not load'} (pass the broker's folder with --policies DIR)`,
      'faint',
    )
    return undefined
  }
}

/** Whether the development CA beside the certificate did not sign it, or has revoked it. */
async function developmentRefusal({ file, cert }: DeviceCredentials, serial: string): Promise<Problem | undefined> {
  const folder = dirname(file)
  if (!['issuing.pem', 'root.pem', 'acme.crl'].every(name => existsSync(join(folder, name)))) return undefined
  const issuers = await loadIssuers(
    { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
    folder,
  )
  const der = new X509Certificate(cert).raw
  const issuer = issuers.findIssuer(der, createHash('sha256').update(der).digest('hex'))
  if (issuer === undefined)
    return problem('accept/unknown-issuer', 'none of the configured issuers signed this certificate')
  const standing = (await openRevocations(issuers)).check(issuer, serial, Date.now())
  return standing.ok ? undefined : standing.problem
}
