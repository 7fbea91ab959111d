/** NAME or `--serial`: how `show` and `revoke` are told which certificates are meant. */
import type { Command } from 'commander'

export interface WhichOptions {
  readonly serial?: string
  readonly identity?: string
}

/** The options; `run` is called where exactly one of NAME and `--serial` is given. */
export function addWhichDevice<T extends WhichOptions>(
  command: Command,
  run: (name: string | undefined, options: T) => Promise<void>,
): Command {
  return command
    .argument('[name]', 'name of the device')
    .option('--serial <hex>', 'the serial of one certificate, instead of a name')
    .option('--identity <text>', 'which one, where two devices have the name: device:site=s1,device=pump-7')
    .action((name: string | undefined, options: T) => {
      if ((name === undefined) === (options.serial === undefined)) command.error('error: name a device, or a --serial')
      return run(name, options)
    })
}
