// A simulated Qualtrics for the tests of one file.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export const CUSTOMERS = 'POOL_2aCustomers0001'
export const ADMINISTRATOR = 'UR_1aGraceAdmin0001'
export const NEWSLETTER = 'CG_000000000000001'

/** Starts it. Returns its origin, its API token, and the function that ends it. */
export async function startSimulator() {
  const child = spawn(process.env.PRIVACY, ['simulate', '--port', '0', '--job-seconds', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`
    if (line.includes('Ctrl-C')) break
  }
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return {
    origin: /at (http:\S+)\. /.exec(printed)[1],
    apiToken: /API token (\w+)/.exec(printed)[1],
    stop: () => {
      child.kill('SIGINT')
      return ended
    },
  }
}
