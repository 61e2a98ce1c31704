// The ratchet: failures that are known, each with what decides it. A run may neither add one nor keep one that has gone.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('known-failures.json', import.meta.url))

// A 'check' asks what a cache does; neither answer is wrong, so that it is not held.
export const KINDS = ['required', 'optimal']

/** The ids of each kind, with why each may fail. */
export function load () {
  const known = JSON.parse(readFileSync(FILE, 'utf8'))
  return Object.fromEntries(KINDS.map(kind => [kind, known[kind] ?? {}]))
}

/** Entries that say nothing of why. */
export function unexplained (known) {
  return KINDS.flatMap(kind => Object.entries(known[kind])).filter(([, why]) => typeof why !== 'string' || why.length < 20).map(([id]) => id)
}

export function save (known) {
  const sorted = Object.fromEntries(KINDS.map(kind => [kind, Object.fromEntries(Object.entries(known[kind]).sort(([a], [b]) => a < b ? -1 : 1))]))
  writeFileSync(FILE, JSON.stringify(sorted, null, 2) + '\n')
}

/** Failures that are not listed (regressions), and listed ids that pass or no longer exist (stale). */
export function compare (known, failing, ran) {
  const regressions = []
  const stale = []
  for (const kind of KINDS) {
    const listed = Object.keys(known[kind])
    const failed = new Set(failing[kind])
    regressions.push(...failing[kind].filter(id => !listed.includes(id)))
    stale.push(...listed.filter(id => !failed.has(id)).map(id => ({ kind, id, exists: ran.has(id) })))
  }
  return { regressions, stale }
}
