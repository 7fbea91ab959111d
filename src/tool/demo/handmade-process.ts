/** The hand-made broker in a process of its own, since some scenes end it. Told its files by message; answers with its port. */
import { type HandmadeTls, startHandmadeBroker } from './handmade-broker.ts'

process.once('message', (files: HandmadeTls) => {
  startHandmadeBroker(files).then(
    broker => {
      process.on('message', (kind: 'permissive' | 'throwing') => {
        broker.assignHooks(kind)
        process.send?.('assigned')
      })
      process.send?.(broker.port)
    },
    () => process.exit(1),
  )
})
process.once('disconnect', () => process.exit(0))
