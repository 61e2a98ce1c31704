// One run of wrk against one server, with the processor time that the server took for it.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { figure, processorSeconds } from './servers.mjs';

const script = fileURLToPath(new URL('wrk.lua', import.meta.url));
const children = new Set();
// A load that nobody waits for any more must not go on.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { for (const child of children) child.kill(); process.exit(130); });

async function wrk(server, path, headers, seconds) {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const running = promisify(execFile)('wrk', ['-t1', '-c32', `-d${seconds}s`, '-s', script, ...fields, `http://127.0.0.1:${server.port}${path}`]);
  children.add(running.child);
  try {
    const { stdout } = await running;
    return JSON.parse(stdout.match(/^JSON (.*)$/m)[1]);
  } finally {
    children.delete(running.child);
  }
}

export async function warm(server, scenario, headers, seconds) {
  await wrk(server, scenario.path, headers, seconds);
}

/**
 * Requests per second, latencies and processor time per request (both µs); `fault` says why the figures do not count.
 * `counter` is the server whose count of made answers must not move; `allocations` asks for bytes allocated per request.
 */
export async function measure(server, scenario, headers, seconds, { counter = null, allocations = false } = {}) {
  const madeBefore = counter && await figure(counter, '/_count');
  const allocatedBefore = allocations && await figure(server, '/_alloc');
  const cpuBefore = processorSeconds(server.pid);
  const run = await wrk(server, scenario.path, headers, seconds);
  const cpu = processorSeconds(server.pid) - cpuBefore;
  const sample = {
    requestsPerSecond: run.requests / (run.microseconds / 1e6),
    p50: run.p50,
    p99: run.p99,
    cpu: cpu * 1e6 / run.requests,
  };
  if (allocations) sample.allocated = (await figure(server, '/_alloc') - allocatedBefore) / run.requests;
  sample.fault = faultOf(run, scenario) ?? await movedBy(counter, madeBefore);
  return sample;
}

function faultOf(run, scenario) {
  if (run.requests === 0) return 'no answers';
  if (run.errors > 0) return `${run.errors} errors`;
  // Heads are below 1,000 bytes: more or less than that beside the body is another answer than the one asked for.
  const head = run.bytes / run.requests - scenario.length;
  return head > 0 && head < 1000 ? null : `${Math.round(head + scenario.length)} bytes per answer, expected ${scenario.length} and a head`;
}

async function movedBy(counter, before) {
  const made = counter ? await figure(counter, '/_count') - before : 0;
  return made === 0 ? null : `${made} answers were made anew under load`;
}
