/** `portcullis device issue NAME`: key and certificate for a device that the policy knows how to name. */
import { type Command, InvalidArgumentError } from 'commander'
import { addExitCodes } from '../help.ts'
import { type BatchCommandOptions, runBatch } from './issue-batch.ts'
import { makeKey } from './issue-device.ts'
import { issueNamed } from './issue-named.ts'
import { addIdentityOptions, addIssueOptions, keyOption } from './issue-options.ts'
import { addOutputOptions, readOutput } from './output-options.ts'

interface IssueOptions extends Omit<BatchCommandOptions, 'batch'> {
  readonly batch?: string
}

export function addDeviceIssue(device: Command): void {
  addExitCodes(
    addOutputOptions(
      addIssueOptions(
        addIdentityOptions(
          device
            .command('issue')
            .description('make key and certificate for a device, if the policy lets it do anything')
            .argument('[name]', 'name of the device: the capture that --set does not give'),
        )
          .addOption(keyOption())
          .option('--batch <table>', 'a CSV table instead of NAME: a row for each device, a column for each capture')
          .option('--name <column>', 'of the table: which capture names the files')
          .option('--keep-going', 'of a table: issue the other rows where some are refused')
          .option(
            '--jobs <n>',
            'of a table: threads that make keys and sign (1: none; default: one for each core)',
            parseJobs,
          ),
      ),
    ).action(issue),
    'portcullis device issue pump-12 --set site=s1',
  )
}

/** More threads than that only wait for the ledger and the disk. */
const mostJobs = 64

function parseJobs(text: string): number {
  if (/^[1-9]\d?$/.test(text) && Number(text) <= mostJobs) return Number(text)
  throw new InvalidArgumentError(`Write a number from 1 to ${mostJobs}.`)
}

async function issue(name: string | undefined, options: IssueOptions, command: Command): Promise<void> {
  const { batch } = options
  if ((name === undefined) === (batch === undefined)) command.error('error: name a device, or a --batch TABLE')
  const output = await readOutput(options)
  if (batch !== undefined) return runBatch({ ...options, batch }, output)
  if (name === undefined) return
  await issueNamed(name, options, () => ({ ...makeKey(options.key), output }), `issued ${name}`)
}
