// The ratchet: failures that are known. A run may neither add one nor keep one that has gone.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('known-failures.json', import.meta.url))

// A 'check' asks what a cache does; neither answer is wrong, so that it is not held.
export const KINDS = ['required', 'optimal']

export function load () {
  const known = JSON.parse(readFileSync(FILE, 'utf8'))
  return Object.fromEntries(KINDS.map(kind => [kind, known[kind] ?? []]))
}

export function save (known) {
  const sorted = Object.fromEntries(KINDS.map(kind => [kind, [...known[kind]].sort()]))
  writeFileSync(FILE, JSON.stringify(sorted, null, 2) + '\n')
}

/** Failures that are not listed (regressions), and listed ids that pass or no longer exist (stale). */
export function compare (known, failing, ran) {
  const regressions = []
  const stale = []
  for (const kind of KINDS) {
    const listed = new Set(known[kind])
    const failed = new Set(failing[kind])
    regressions.push(...failing[kind].filter(id => !listed.has(id)))
    stale.push(...known[kind].filter(id => !failed.has(id)).map(id => ({ kind, id, exists: ran.has(id) })))
  }
  return { regressions, stale }
}
