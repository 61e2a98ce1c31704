// The servers that run.sh started: who is there, whether they answer, and how much processor time they have used.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const secondsPerTick = 1 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Reads run.sh's list: name, port, pid, log or reason. A pid of 0 is a server that could not be started. */
export function readServers(path) {
  return readFileSync(path, 'utf8').trimEnd().split('\n').map(line => {
    const [name, port, pid, text] = line.split('\t');
    return pid === '0' ? { name, missing: text } : { name, port: Number(port), pid: Number(pid), log: text };
  });
}

/** One GET over a connection of its own: status, headers (lower case), body. */
export function get(server, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: server.port, path, headers, agent: false, timeout: 5000 }, response => {
      const parts = [];
      response.on('data', part => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
      response.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
    call.on('error', reject);
    call.end();
  });
}

/** A number that the server tells: `/_count` or `/_alloc`. */
export async function figure(server, path) {
  const { status, body } = await get(server, path);
  if (status !== 200) throw new Error(`${server.name}: ${path} answered ${status}`);
  return Number(body.toString());
}

/** Null once the server answers, otherwise why it never will. */
export async function whyNotReady(server) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(100)) {
    if (!isAlive(server.pid)) return `ended at the start: ${lastLine(server.log)}`;
    const answer = await get(server, '/1k').catch(() => null);
    if (answer?.status === 200) return null;
  }
  return `no answer on /1k within 30 s: ${lastLine(server.log)}`;
}

/** Seconds of processor time (user and system) that the process and everything below it have used. */
export function processorSeconds(root) {
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) && readStat(name);
    if (stat) processes.set(Number(name), stat);
  }
  let ticks = 0;
  for (const [pid, stat] of processes) {
    let ancestor = pid;
    while (ancestor !== root && processes.has(ancestor)) ancestor = processes.get(ancestor).parent;
    if (ancestor === root) ticks += stat.ticks;
  }
  return ticks * secondsPerTick;
}

function isAlive(pid) {
  const stat = readStat(pid);
  return stat !== null && stat.state !== 'Z';
}

function readStat(pid) {
  try {
    // The name stands in parentheses and may hold anything: the fields are counted from behind it.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null; // it ended meanwhile
  }
}

function lastLine(log) {
  return readFileSync(log, 'utf8').trim().split('\n').at(-1) || 'it said nothing';
}
