// Runs the public HTTP cache test suite against the gateway, or against any proxy, and holds the result to the ratchet.
// The way of a run: origin -> proxy in front of it -> all tests -> score -> what differs from the ratchet is tried again alone -> verdict.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { startGateway, startOrigin, stopAll } from './processes.mjs'
import * as ratchet from './ratchet.mjs'
import { open } from './suite.mjs'

process.noDeprecation = true // a dependency of the suite uses the old punycode module
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LOGS = path.join(ROOT, 'artifacts', 'test-results', 'conformance')
const EXE = process.platform === 'win32' ? '.exe' : ''
const RERUNS = 2
// Beyond this many differences something is broken, and trying each again alone would only take minutes.
const RERUN_LIMIT = 30

const { values: options } = parseArgs({
  options: {
    gateway: { type: 'string', default: path.join(ROOT, 'artifacts', 'bin', 'Larder.Cli', 'release', `larder${EXE}`) },
    base: { type: 'string' },
    'origin-port': { type: 'string', default: '0' },
    id: { type: 'string' },
    json: { type: 'string' },
    suite: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

if (options.help) {
  console.log(`node run.mjs [options]
  --gateway CMD       the command to start (default: the built larder); "serve --origin URL --urls URL" is appended
  --base URL          test a proxy that runs already; give its origin a fixed port with --origin-port
  --origin-port PORT  port of the suite's origin on 127.0.0.1 (default: any free one)
  --id TEST           one test only, with every request and response on both sides of the proxy
  --json FILE         write every test's kind, state and message
  --shrink            remove from known-failures.json what passes now; never adds
  --suite DIR         the suite in a folder, such as a checkout of its repository, in the place of the installed one; holds nothing to the ratchet`)
  process.exit(0)
}
const suite = await openSuite()
if (options.id !== undefined && !suite.tests.has(options.id)) fail(`There is no test ${options.id}.`)
if (options.base !== undefined && options['origin-port'] === '0') fail('--base needs --origin-port: the port your proxy forwards to.')

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(signal, () => stopAll().then(() => process.exit(code)))

let exitCode = 1
try {
  mkdirSync(LOGS, { recursive: true })
  const origin = await startOrigin(Number(options['origin-port']), options.id ? process.stdout : path.join(LOGS, 'origin.log'), options.suite)
  const base = options.base?.replace(/\/$/, '') ?? await startGateway(gatewayCommand(), origin, path.join(LOGS, 'gateway.log'))
  suite.useProxy(base)
  exitCode = options.id ? await one(options.id) : await all()
} catch (error) {
  console.error(error.message)
  console.log('0 passed, 1 failed')
} finally {
  await stopAll()
}
process.exit(exitCode)

async function openSuite () {
  try {
    return await open(options.suite)
  } catch (error) {
    if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error.code)) throw error
    return fail(options.suite ? `${options.suite} holds no suite, or not what it needs: run \`npm install\` there. (${error.message.split('\n')[0]})` : 'The suite is not installed: run `npm ci --ignore-scripts` in this folder.')
  }
}

async function one (id) {
  const results = await suite.run([id], { dump: true })
  const { state, message } = suite.classify(id, { ...dependenciesAssumed(id), ...results })
  console.log(`${id} (${suite.tests.get(id).kind}): ${state}${message && ` - ${message}`}`)
  return state === 'pass' ? 0 : 1
}

async function all () {
  const results = await suite.run([...suite.tests.keys()])
  const known = ratchet.load()

  const first = ratchet.compare(known, failures(results), suite.tests)
  const flaky = options.suite ? [] : await tryAgain(first, results)

  printScore(results)
  for (const line of flaky) console.log(line)
  if (options.json) writeFileSync(options.json, JSON.stringify(report(results), null, 2) + '\n')
  return options.suite ? 0 : verdict(results)
}

/** Timing decides some tests. What differs from the ratchet is run again, alone, before it counts; its new result replaces the old one. */
async function tryAgain ({ regressions, stale }, results) {
  const suspects = [...regressions, ...stale.filter(entry => entry.exists).map(entry => entry.id)]
  if (suspects.length > RERUN_LIMIT) {
    console.log(`${suspects.length} tests differ from the ratchet: too many to try again one by one.`)
    return []
  }
  const flaky = []
  for (const id of regressions) {
    for (let attempt = 1; attempt <= RERUNS && suite.classify(id, results).state !== 'pass'; attempt++) {
      const { message } = suite.classify(id, results)
      const again = suite.withDependencies(id).filter(dependency => results[dependency] !== true)
      Object.assign(results, await suite.run(again, { atOnce: 1 }))
      if (suite.classify(id, results).state === 'pass') flaky.push(`flaky: ${id} passed when run again alone (attempt ${attempt}); before: ${message}`)
    }
  }
  for (const { id, exists } of stale) {
    if (!exists) continue
    Object.assign(results, await suite.run([id], { atOnce: 1 }))
    const { state, message } = suite.classify(id, results)
    if (state !== 'pass') flaky.push(`flaky: ${id} is listed, passed once, and failed when run again alone: ${message}`)
  }
  return flaky
}

function printScore (results) {
  const score = ['required', 'optimal', 'check'].map(kind => {
    const ids = idsOf(kind)
    return `${kind} ${ids.filter(id => suite.classify(id, results).state === 'pass').length}/${ids.length}`
  })
  console.log(score.join('  '))
  for (const id of failures(results).required) {
    const { state, message } = suite.classify(id, results)
    console.log(`  ${id}: ${state === 'fail' ? '' : `[${state}] `}${message}`)
  }
}

function verdict (results) {
  const known = ratchet.load()
  let { regressions, stale } = ratchet.compare(known, failures(results), suite.tests)
  if (options.shrink && stale.length > 0) {
    const gone = new Set(stale.map(entry => entry.id))
    ratchet.save(Object.fromEntries(ratchet.KINDS.map(kind => [kind, Object.fromEntries(Object.entries(known[kind]).filter(([id]) => !gone.has(id)))])))
    console.log(`known-failures.json: ${stale.length} removed.`)
    stale = []
  }
  for (const id of regressions) console.log(`regression: ${id} (${suite.tests.get(id).kind}): ${suite.classify(id, results).message}`)
  for (const { id, exists } of stale) console.log(`stale: ${id} is listed as failing and ${exists ? 'passes' : 'does not exist'}`)
  if (stale.length > 0) console.log('Tighten the ratchet: node run.mjs --shrink')

  const silent = ratchet.unexplained(known)
  for (const id of silent) console.log(`unexplained: ${id} is listed as failing without saying what decides it`)

  const held = ratchet.KINDS.flatMap(idsOf).length
  const deviating = regressions.length + stale.filter(entry => entry.exists).length
  const failed = regressions.length + stale.length + silent.length
  console.log(`${held - deviating} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function report (results) {
  return Object.fromEntries([...suite.tests].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([id, { kind }]) => [id, { kind, ...suite.classify(id, results) }]))
}

function failures (results) {
  return Object.fromEntries(ratchet.KINDS.map(kind => [kind, idsOf(kind).filter(id => suite.classify(id, results).state !== 'pass')]))
}

function idsOf (kind) {
  return [...suite.tests.values()].filter(test => test.kind === kind).map(test => test.id).sort()
}

/** One test alone is judged alone. */
function dependenciesAssumed (id) {
  return Object.fromEntries(suite.withDependencies(id).map(dependency => [dependency, true]))
}

function gatewayCommand () {
  const command = options.gateway
  if (path.isAbsolute(command) && !command.includes(' ') && !existsSync(command)) {
    throw new Error(`${command} does not exist: build it with \`dotnet build Larder.slnx -c Release\`.`)
  }
  return command
}

function fail (message) {
  console.error(message)
  process.exit(2)
}
