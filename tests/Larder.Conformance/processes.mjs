// Child processes of a run. Each is ended through the handle it was started with, never by name.
import { fork, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const running = new Set()

/** Starts the suite's origin; `port` 0 lets the system choose. Resolves to its URL. */
export function startOrigin (port, log, folder) {
  const child = fork(fileURLToPath(new URL('origin.mjs', import.meta.url)), [String(port), ...(folder ? [folder] : [])], { silent: true })
  adopt(child, log)
  return new Promise((resolve, reject) => {
    child.once('message', message => resolve(`http://127.0.0.1:${message.port}`))
    child.once('exit', code => reject(new Error(`the origin ended with code ${code} before it listened`)))
  })
}

/** Starts the gateway in front of `origin` and resolves to its URL as soon as it says that it is healthy. */
export async function startGateway (command, origin, log) {
  const [file, ...args] = command.split(/\s+/).filter(Boolean)
  const base = `http://127.0.0.1:${await freePort()}`
  const child = spawn(file, [...args, 'serve', '--origin', origin, '--urls', base], { stdio: ['ignore', 'pipe', 'pipe'] })
  let ended
  child.once('error', error => { ended = error.message })
  child.once('exit', (code, signal) => { ended ??= `it ended with ${signal ?? `code ${code}`}` })
  adopt(child, log)
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    if (ended !== undefined) throw new Error(`the gateway did not start: ${ended} (${command})`)
    try {
      if ((await fetch(`${base}/healthz`, { signal: AbortSignal.timeout(2_000) })).status === 200) return base
    } catch { /* not listening yet */ }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('the gateway was not healthy within 30 s')
}

/** Asks every child to end, and ends what has not within ten seconds. */
export function stopAll () {
  return Promise.all([...running].map(child => new Promise(resolve => {
    const force = setTimeout(() => child.kill('SIGKILL'), 10_000)
    child.once('exit', () => { clearTimeout(force); resolve() })
    child.kill('SIGTERM')
  })))
}

function adopt (child, log) {
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => { if (child.pid === undefined) running.delete(child) })
  const sink = typeof log === 'string' ? createWriteStream(log) : log
  child.stdout.pipe(sink, { end: false })
  child.stderr.pipe(sink, { end: false })
}

function freePort () {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
