// The public suite: which tests it has, how one is run, and what its outcome means.
import nodeFetch from 'node-fetch'

import * as clientConfig from 'http-cache-tests/client/config.mjs'
import { makeCacheTest, testResults } from 'http-cache-tests/client/test.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'

// As many at once as the package's own command line does: most of a test is waiting.
const ATONCE = 100

// The package never gives up on a request; a proxy that hangs would hang the run.
const TIMEOUT_MS = 20_000

/** Every test that applies to a shared cache, by id. The `kind` is required unless a test says otherwise. */
export const tests = new Map(
  [...suites, surrogate]
    .flatMap(suite => suite.tests)
    .filter(test => test.browser_only !== true)
    .map(test => [test.id, { ...test, kind: test.kind ?? 'required' }]))

export function useProxy (base) {
  clientConfig.setFetch((url, init) => nodeFetch(url, { ...init, timeout: TIMEOUT_MS }))
  clientConfig.setBaseUrl(base)
  clientConfig.setUseBrowserCache(false)
}

/** Runs these tests, many at once, and returns their raw results by id: `true`, or `[error name, message]`. */
export async function run (ids, { atOnce = ATONCE, dump = false } = {}) {
  const results = {}
  for (let i = 0; i < ids.length; i += atOnce) {
    const chunk = ids.slice(i, i + atOnce)
    await Promise.all(chunk.map(id => {
      delete testResults[id] // the package refuses to run a test twice
      // It also writes into the test it runs, so that each run needs a copy.
      return makeCacheTest({ ...structuredClone(tests.get(id)), dump })
    }))
    for (const id of chunk) results[id] = testResults[id]
  }
  return results
}

/** What a raw result means, as the package's lib/display.mjs has it: a test counts only if all it depends on pass. */
export function classify (id, results) {
  const result = results[id]
  if (result === undefined) return { state: 'untested', message: 'was not run' }
  for (const dependency of tests.get(id).depends_on ?? []) {
    if (classify(dependency, results).state !== 'pass') return { state: 'dependency', message: `depends on ${dependency}` }
  }
  if (result === true) return { state: 'pass', message: '' }
  const [name, message] = result
  if (name === 'Setup') return { state: message === 'retry' ? 'retry' : 'setup', message }
  return name === 'Assertion' ? { state: 'fail', message } : { state: 'error', message: `${name}: ${message}` }
}

/** A test and everything it depends on, directly or not. */
export function withDependencies (id) {
  return [...(tests.get(id).depends_on ?? []).flatMap(withDependencies), id]
}
