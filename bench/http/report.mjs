// Medians, tables and files. Ratios are medians of the ratios within pairs, never ratios of medians.
import { writeFileSync } from 'node:fs';
import { missScenario, scenarios } from './scenarios.mjs';

const titles = {
  ceiling: 'Kestrel, `MapGet` (the ceiling)',
  terminal: 'Kestrel, terminal middleware, no routing',
  outputcache: 'ASP.NET Core OutputCache',
  larder: '**Larder in process**',
  gateway: '**Larder gateway**',
  forwarder: 'bare `SocketsHttpHandler` forwarder',
  nginx: 'nginx `proxy_cache`',
  'nginx-open-files': 'nginx `proxy_cache`, `open_file_cache`',
  varnish: 'Varnish',
};
const measures = ['requestsPerSecond', 'cpu', 'p50', 'p99'];

export function report({ rows, skipped, rounds, seconds, warmup, machine, out }) {
  const results = rows.map(row => ({
    server: row.server.name,
    scenario: row.scenario.name,
    ...(row.invalid ? { invalid: row.invalid } : { median: medians(row.pairs, pair => pair.own), reference: medians(row.pairs, pair => pair.reference), ratio: ratios(row.pairs) }),
    pairs: row.pairs,
  }));
  const allocation = allocations(results);
  const sections = [...scenarios, missScenario].map(scenario => section(scenario, results)).filter(Boolean);
  if (allocation.length) sections.push(allocationSection(allocation));
  if (skipped.length) sections.push(['## Skipped', '', ...skipped.map(({ name, reason }) => `- **${name}**: ${reason}`)].join('\n'));

  console.log(`\n${sections.join('\n\n')}\n`);
  const text = ['# HTTP benchmarks', '', machine,
    `- ${rounds} rounds; ${seconds} s per figure, each directly after its reference; ${warmup} s of warm-up per row; \`wrk -t1 -c32\` on loopback`, '',
    '"×" columns are medians of the ratios within pairs: judge by these. CPU is processor time of the server per request, all its processes together.', '',
    sections.join('\n\n'), ''].join('\n');
  const json = out.replace(/\.md$/, '.json');
  writeFileSync(out, text);
  writeFileSync(json, `${JSON.stringify({ machine: machine.split('\n').map(line => line.replace(/^- /, '')), rounds, seconds, warmup, skipped, allocation, results }, null, 2)}\n`);
  console.log(`Written: ${out}, ${json}`);
}

function section(scenario, results) {
  const own = results.filter(result => result.scenario === scenario.name);
  if (!own.length) return null;
  const valid = own.filter(result => !result.invalid);
  const lines = [`## ${scenario.title}`, ''];
  lines.push('| | req/s | × | CPU µs | × | p50 µs | × | p99 µs | × |', '|---|---:|---:|---:|---:|---:|---:|---:|---:|');
  if (valid.length) lines.push(referenceRow(scenario, valid));
  for (const { server, median, ratio, invalid } of own)
    lines.push(invalid ? `| ${titles[server]} | invalid: ${invalid} |||||||| ` .trimEnd() : tableRow(titles[server], median, ratio));
  return lines.join('\n');
}

/** The reference itself: medians over all of its loads. */
function referenceRow(scenario, valid) {
  const median = Object.fromEntries(measures.map(of => [of, middle(valid.flatMap(result => result.pairs.map(pair => pair.reference[of])))]));
  const name = scenario === missScenario ? titles.forwarder : scenario.status === 304 ? `${titles.ceiling}, 1 KiB` : titles.ceiling;
  return tableRow(name, median, Object.fromEntries(measures.map(of => [of, 1])));
}

function tableRow(name, median, ratio) {
  const cells = measures.flatMap(of => [of === 'cpu' ? median[of].toFixed(1) : Math.round(median[of]), ratio[of].toFixed(2)]);
  return `| ${name} | ${cells.join(' | ')} |`;
}

function allocations(results) {
  const measured = results.filter(result => result.median?.allocated !== undefined);
  const terminal = measured.find(result => result.server === 'terminal')?.median.allocated;
  return measured.map(({ server, median }) => ({ server, bytes: median.allocated, beyondTerminal: terminal === undefined ? null : median.allocated - terminal }));
}

function allocationSection(allocation) {
  return ['## Bytes allocated per hit of 1 KiB', '', '| | bytes | beyond the terminal middleware |', '|---|---:|---:|',
    ...allocation.map(({ server, bytes, beyondTerminal }) => `| ${titles[server]} | ${Math.round(bytes)} | ${beyondTerminal === null ? 'not measured' : Math.round(beyondTerminal)} |`)].join('\n');
}

function medians(pairs, pick) {
  return Object.fromEntries(Object.keys(pick(pairs[0])).filter(of => of !== 'fault').map(of => [of, middle(pairs.map(pair => pick(pair)[of]))]));
}

function ratios(pairs) {
  return Object.fromEntries(measures.map(of => [of, middle(pairs.map(pair => pair.own[of] / pair.reference[of]))]));
}

function middle(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
