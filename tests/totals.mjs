// Reads a trx report. First line: passed, failed and skipped; then a line for each test that failed or was skipped, with its reason.
import { readFileSync } from 'node:fs'
import process from 'node:process'

const report = readFileSync(process.argv[2], 'utf8')
const lines = []
const totals = { passed: 0, failed: 0, skipped: 0 }

// <UnitTestResult .../> or <UnitTestResult ...>...</UnitTestResult>; they do not nest here.
for (const [, attributes, body = ''] of report.matchAll(/<UnitTestResult\b([^>]*?)(?:\/>|>([\s\S]*?)<\/UnitTestResult>)/g)) {
  const name = attribute(attributes, 'testName')
  const outcome = attribute(attributes, 'outcome')
  if (outcome === 'Passed') {
    totals.passed++
  } else if (outcome === 'NotExecuted') {
    totals.skipped++
    lines.push(`skipped: ${name}: ${reason(body)}`)
  } else {
    totals.failed++
    lines.push(`FAILED: ${name}: ${reason(body)}`)
  }
}

console.log([`${totals.passed} ${totals.failed} ${totals.skipped}`, ...lines].join('\n'))

function attribute (text, name) {
  return decode(new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? '')
}

/** The message, or what the runner printed instead of one; its first lines are enough to see what is wrong. */
function reason (body) {
  const text = /<Message>([\s\S]*?)<\/Message>/.exec(body)?.[1] ?? /<StdOut>([\s\S]*?)<\/StdOut>/.exec(body)?.[1] ?? 'no reason given'
  return decode(text).trim().split(/\r?\n/).slice(0, 6).join('\n  ')
}

function decode (text) {
  const named = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    name ? named[name] ?? whole : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)))
}
