// The suite's own origin: its request handlers, on a loopback port the system chooses.
// The package's server.mjs would listen on every interface, on a port known in advance, and write a pid file.
import http from 'node:http'
import process from 'node:process'

import handleConfig from 'http-cache-tests/server/handle-config.mjs'
import handleState from 'http-cache-tests/server/handle-state.mjs'
import handleTest from 'http-cache-tests/server/handle-test.mjs'

const handlers = { config: handleConfig, state: handleState, test: handleTest }

const server = http.createServer((request, response) => {
  const [kind, ...rest] = new URL(request.url, 'http://origin').pathname.slice(1).split('/')
  const handle = handlers[kind]
  if (handle) return handle(rest, request, response)
  response.writeHead(404, { 'Content-Type': 'text/plain' })
  response.end('No such handler\n')
})

// Node closes idle connections after 5 s, which is about how long a test pauses: a proxy that reuses its connection would race it.
server.keepAliveTimeout = 60_000

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }))

// The runner is gone (killed, crashed): do not outlive it.
process.on('disconnect', () => process.exit())
