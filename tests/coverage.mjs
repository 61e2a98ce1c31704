// Merges the Cobertura reports below a folder, line by line, over src/: a line counts as covered if any test project reached it.
// Usage: node coverage.mjs FOLDER MINIMUM. Writes FOLDER/coverage.txt (per file, with the lines that no test reached).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const [folder, minimum] = process.argv.slice(2)
const root = fileURLToPath(new URL('../', import.meta.url))
const files = new Map() // src/... -> Map(line number -> covered)

for (const report of find(folder, name => name.endsWith('.cobertura.xml'))) merge(readFileSync(report, 'utf8'))

let covered = 0
let total = 0
const details = []
for (const [file, lines] of [...files].sort(([a], [b]) => a < b ? -1 : 1)) {
  const missed = [...lines].filter(([, hit]) => !hit).map(([number]) => number).sort((a, b) => a - b)
  covered += lines.size - missed.length
  total += lines.size
  details.push(`${percent(lines.size - missed.length, lines.size).padStart(6)} %  ${file}${missed.length ? `  not reached: ${ranges(missed)}` : ''}`)
}
writeFileSync(path.join(folder, 'coverage.txt'), details.join('\n') + '\n')

// A project that no test loads is in no report, and would look like one without code.
const unseen = readdirSync(path.join(root, 'src'), { withFileTypes: true })
  .filter(entry => entry.isDirectory() && ![...files.keys()].some(file => file.startsWith(`src/${entry.name}/`)))
  .map(entry => entry.name)
if (unseen.length > 0) console.log(`not in the coverage, as no test runs them: ${unseen.join(', ')}`)

if (total === 0) {
  console.log('line coverage of src: unknown (no report)')
  process.exit(1)
}
console.log(`line coverage of src: ${percent(covered, total)} %`)
process.exit(covered * 100 >= Number(minimum) * total ? 0 : 1)

function merge (report) {
  // A class names its file; its lines follow, first by method and then all together: to set a line twice does no harm.
  for (const [, name, body] of report.matchAll(/<class\b[^>]*?\bfilename="([^"]*)"[^>]*>([\s\S]*?)<\/class>/g)) {
    const file = inSource(name)
    if (file === undefined) continue
    const lines = files.get(file) ?? new Map()
    files.set(file, lines)
    for (const [, number, hits] of body.matchAll(/<line\b[^>]*?\bnumber="(\d+)"[^>]*?\bhits="(\d+)"/g)) {
      lines.set(Number(number), lines.get(Number(number)) === true || Number(hits) > 0)
    }
  }
}

/** The path from the root with forward slashes, if it is below src/. A build server's deterministic paths begin with `/_/`. */
function inSource (name) {
  const relative = name.startsWith('/_/') ? name.slice(3) : path.relative(root, name)
  const normal = relative.split(path.sep).join('/')
  return normal.startsWith('src/') ? normal : undefined
}

function find (directory, wanted) {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const full = path.join(directory, entry.name)
    if (entry.isDirectory()) return find(full, wanted)
    return wanted(entry.name) ? [full] : []
  })
}

function percent (part, whole) {
  // Rounded down, so that 89.96 never reads as 90.
  return (Math.floor(part * 1000 / whole) / 10).toFixed(1)
}

function ranges (numbers) {
  const parts = []
  for (const number of numbers) {
    const last = parts.at(-1)
    if (last && number === last[1] + 1) last[1] = number
    else parts.push([number, number])
  }
  return parts.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(', ')
}
