// The public suite: which tests it has, how one is run, and what its outcome means.
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// As many at once as the package's own command line does: most of a test is waiting.
const ATONCE = 100

// The package never gives up on a request; a proxy that hangs would hang the run.
const TIMEOUT_MS = 20_000

/** The suite as it is installed, or as it stands in a folder (a checkout of its repository, whose layout and client differ). */
export async function open (folder) {
  return folder ? new Suite(await fromFolder(folder)) : new Suite(await installed())
}

async function installed () {
  const { default: nodeFetch } = await import('node-fetch')
  const config = await import('http-cache-tests/client/config.mjs')
  const { makeCacheTest, testResults } = await import('http-cache-tests/client/test.mjs')
  const { default: suites } = await import('http-cache-tests/tests/index.mjs')
  const { default: surrogate } = await import('http-cache-tests/tests/surrogate-control.mjs')
  config.setFetch((url, init) => nodeFetch(url, { ...init, timeout: TIMEOUT_MS }))
  return { config, makeTest: makeCacheTest, results: testResults, suites: [...suites, surrogate] }
}

async function fromFolder (folder) {
  const load = file => import(pathToFileURL(path.resolve(folder, file)))
  const config = await load('test-engine/client/config.mjs')
  const { makeTest, testResults } = await load('test-engine/client/test.mjs')
  const { default: suites } = await load('tests/index.mjs')
  // Its client loads this when a test of interim answers runs: without it those would fail for a reason of their own.
  createRequire(pathToFileURL(path.resolve(folder, 'package.json'))).resolve('undici')
  return { config, makeTest, results: testResults, suites }
}

class Suite {
  #engine

  constructor (engine) {
    this.#engine = engine
    /** Every test that applies to a shared cache, by id. The `kind` is required unless a test says otherwise. */
    this.tests = new Map(
      engine.suites
        .flatMap(suite => suite.tests)
        .filter(test => test.browser_only !== true)
        .map(test => [test.id, { ...test, kind: test.kind ?? 'required' }]))
  }

  useProxy (base) {
    this.#engine.config.setBaseUrl(base)
    this.#engine.config.setUseBrowserCache(false)
  }

  /** Runs these tests, many at once, and returns their raw results by id: `true`, or `[error name, message]`. */
  async run (ids, { atOnce = ATONCE, dump = false } = {}) {
    const results = {}
    for (let i = 0; i < ids.length; i += atOnce) {
      const chunk = ids.slice(i, i + atOnce)
      await Promise.all(chunk.map(id => {
        delete this.#engine.results[id] // the package refuses to run a test twice
        // It also writes into the test it runs, so that each run needs a copy.
        return this.#engine.makeTest({ ...structuredClone(this.tests.get(id)), dump })
      }))
      for (const id of chunk) results[id] = this.#engine.results[id]
    }
    return results
  }

  /** What a raw result means, as the package's own display has it: a test counts only if all it depends on pass. */
  classify (id, results) {
    const result = results[id]
    if (result === undefined) return { state: 'untested', message: 'was not run' }
    for (const dependency of this.tests.get(id).depends_on ?? []) {
      if (this.classify(dependency, results).state !== 'pass') return { state: 'dependency', message: `depends on ${dependency}` }
    }
    if (result === true) return { state: 'pass', message: '' }
    const [name, message] = result
    if (name === 'Setup') return { state: message === 'retry' ? 'retry' : 'setup', message }
    return name === 'Assertion' ? { state: 'fail', message } : { state: 'error', message: `${name}: ${message}` }
  }

  /** A test and everything it depends on, directly or not. */
  withDependencies (id) {
    return [...(this.tests.get(id).depends_on ?? []).flatMap(dependency => this.withDependencies(dependency)), id]
  }
}
