// The order of a run: wait for the servers, prove each row, warm up, rounds of pairs, report. Started by run.sh.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measure, warm } from './load.mjs';
import { report } from './report.mjs';
import { counterOf, headersOf, missScenario, scenarios, whyNotPassedThrough, whyNotValid } from './scenarios.mjs';
import { readServers, whyNotReady } from './servers.mjs';

const { values } = parseArgs({ options: Object.fromEntries(
  ['servers', 'machine', 'rounds', 'seconds', 'warmup', 'only', 'out'].map(name => [name, { type: 'string' }])) });
const rounds = Number(values.rounds), seconds = Number(values.seconds), warmup = Number(values.warmup);
const only = values.only ? new Set(values.only.split(',')) : null;
const wanted = name => !only || only.has(name);
const say = text => process.stderr.write(`${text}\n`);

const inProcess = new Set(['ceiling', 'terminal', 'outputcache', 'larder']);
const helpers = new Set(['origin', 'forwarder']);
const skipped = [], rows = [];

// Who is there?
const running = new Map();
for (const server of readServers(values.servers)) {
  const reason = server.missing ?? await whyNotReady(server);
  if (reason === null) running.set(server.name, server);
  else { skipped.push({ name: server.name, reason }); say(`SKIPPED ${server.name}: ${reason}`); }
}
const origin = running.get('origin'), ceiling = running.get('ceiling');
if (!origin || !ceiling) throw new Error('The origin or the ceiling does not run: nothing can be compared.');

// Which rows prove themselves? A row is a server in a scenario, and what its figures are divided by.
for (const server of running.values()) {
  if (helpers.has(server.name)) continue;
  const asked = server === ceiling ? only ? [] : scenarios.filter(s => s.status === 304)
    : wanted(server.name) ? scenarios
    : wanted('alloc') && inProcess.has(server.name) ? [scenarios[0]] : [];
  for (const scenario of asked) {
    const reference = { server: ceiling, scenario: scenarios.find(s => s.name === scenario.against) };
    await add({ server, scenario, reference, counter: counterOf(server, origin) }, await whyNotValid(server, scenario, origin));
  }
}
const gateway = running.get('gateway'), forwarder = running.get('forwarder');
if (gateway && forwarder && wanted('gateway-miss'))
  await add({ server: gateway, scenario: missScenario, reference: { server: forwarder, scenario: missScenario }, counter: null },
    await whyNotPassedThrough(gateway, origin) ?? await whyNotPassedThrough(forwarder, origin));

async function add(row, invalid) {
  if (invalid) say(`INVALID ${row.server.name} ${row.scenario.name}: ${invalid}`);
  rows.push({ ...row, invalid, pairs: [], headers: invalid ? {} : await headersOf(row.server, row.scenario) });
}

const valid = rows.filter(row => !row.invalid);
say(`${valid.length} rows, ${rounds} rounds: about ${Math.ceil(valid.length * (warmup + rounds * 2 * (seconds + 0.2)) / 60)} minutes`);

for (const scenario of scenarios.filter(s => s.status === 200)) await warm(ceiling, scenario, {}, warmup);
if (valid.some(row => row.scenario === missScenario)) await warm(forwarder, missScenario, {}, warmup);
for (const row of valid) await warm(row.server, row.scenario, row.headers, warmup);

// Each figure directly after the one that it is divided by; each round begins with another row.
for (let round = 0; round < rounds; round++) {
  for (let turn = 0; turn < valid.length; turn++) {
    const row = valid[(round * Math.ceil(valid.length / rounds) + turn) % valid.length];
    if (row.invalid) continue;
    const pair = await takePair(row) ?? await takePair(row); // a single disturbed load is taken again
    if (!pair) continue;
    row.pairs.push(pair);
    row.invalid = null;
    const ratio = of => (pair.own[of] / pair.reference[of]).toFixed(2);
    say(`round ${round + 1}/${rounds}  ${row.server.name} ${row.scenario.name}: ${ratio('requestsPerSecond')} × req/s, ${ratio('cpu')} × CPU`);
  }
}

/** Null, and the row invalid, if either load did not go as it should. */
async function takePair(row) {
  const { server, scenario } = row.reference;
  const allocations = s => inProcess.has(s.name) && scenario.name === '1k';
  const reference = await measure(server, scenario, {}, seconds, { allocations: allocations(server) });
  const own = await measure(row.server, row.scenario, row.headers, seconds, { counter: row.counter, allocations: row.scenario.name === '1k' && allocations(row.server) });
  row.invalid = reference.fault ? `${server.name}: ${reference.fault}` : own.fault;
  if (row.invalid) say(`DISTURBED ${row.server.name} ${row.scenario.name}: ${row.invalid}`);
  return row.invalid ? null : { reference, own };
}

report({ rows, skipped, rounds, seconds, warmup, machine: readFileSync(values.machine, 'utf8').trimEnd(), out: values.out });
process.exit(0);
