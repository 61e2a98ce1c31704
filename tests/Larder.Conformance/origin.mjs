// The suite's own origin: its request handlers, on a loopback port the system chooses.
// The package's server.mjs would listen on every interface, on a port known in advance, and write a pid file.
import http from 'node:http'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

// The port, and the suite's folder where it is not the installed one.
const [port = '0', folder] = process.argv.slice(2)
const load = name => folder
  ? import(pathToFileURL(path.resolve(folder, 'test-engine/server', `handle-${name}.mjs`)))
  : import(`http-cache-tests/server/handle-${name}.mjs`)
const handlers = Object.fromEntries(await Promise.all(['config', 'state', 'test'].map(async name => [name, (await load(name)).default])))

const server = http.createServer((request, response) => {
  const [kind, ...rest] = new URL(request.url, 'http://origin').pathname.slice(1).split('/')
  const handle = handlers[kind]
  if (handle) return handle(rest, request, response)
  response.writeHead(404, { 'Content-Type': 'text/plain' })
  response.end('No such handler\n')
})

// Node closes idle connections after 5 s, which is about how long a test pauses: a proxy that reuses its connection would race it.
server.keepAliveTimeout = 60_000

server.listen(Number(port), '127.0.0.1', () => process.send({ port: server.address().port }))

// The runner is gone (killed, crashed): do not outlive it.
process.on('disconnect', () => process.exit())
