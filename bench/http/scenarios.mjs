// What is asked, and the proof that a server really answers it from its cache. Nothing is measured that did not prove itself.
import { figure, get } from './servers.mjs';

/** `against` is the ceiling's scenario that a figure is divided by: a 304 is compared to the 1 KiB that it spares. */
export const scenarios = [
  { name: '1k', title: 'Hits of 1 KiB', path: '/1k', length: 1024, status: 200, against: '1k' },
  { name: '64k', title: 'Hits of 64 KiB', path: '/64k', length: 65536, status: 200, against: '64k' },
  { name: '304', title: 'Not modified (304), against 1 KiB of the ceiling', path: '/1k', length: 0, status: 304, against: '1k' },
];

/** The gateway and the bare forwarder on what may not be stored. */
export const missScenario = { name: 'miss', title: 'Gateway, uncacheable 1 KiB, against a bare forwarder', path: '/nostore1k', length: 1024, status: 200 };

/** How each server is looked at: who counts the answers that were really made, and what a hit says of itself. */
const kinds = {
  ceiling: {},
  terminal: {},
  outputcache: { counter: 'itself' },
  larder: { counter: 'itself' },
  gateway: { counter: 'origin', saysHit: ({ headers }) => headers['x-cache'] === 'HIT' },
  nginx: { counter: 'origin', saysHit: ({ headers }) => headers['x-cache-status'] === 'HIT' },
  'nginx-open-files': { counter: 'origin', saysHit: ({ headers }) => headers['x-cache-status'] === 'HIT' },
  // A hit names two transactions: this one and the one that fetched.
  varnish: { counter: 'origin', saysHit: ({ headers }) => /^\d+ \d+$/.test(headers['x-varnish'] ?? '') && 'age' in headers },
};

/** The server whose `/_count` must stand still while `server` answers hits; null for those that are no caches. */
export function counterOf(server, origin) {
  return { itself: server, origin }[kinds[server.name]?.counter] ?? null;
}

/** Request headers of a scenario, with the entity tag that this server hands out. */
export async function headersOf(server, scenario) {
  if (scenario.status !== 304) return {};
  const { headers } = await get(server, scenario.path);
  return { 'If-None-Match': headers.etag ?? '"none"' };
}

/** Null if the server answers the scenario as it should, otherwise what is wrong. */
export async function whyNotValid(server, scenario, origin) {
  for (let i = 0; i < 3; i++) await get(server, scenario.path); // one fills; a cache may want to see it twice
  const headers = await headersOf(server, scenario);
  const counter = counterOf(server, origin);
  const before = counter && await figure(counter, '/_count');
  const answer = await get(server, scenario.path, headers);
  if (answer.status !== scenario.status) return `answered ${answer.status}, not ${scenario.status}`;
  if (scenario.length && !answer.body.equals((await get(origin, scenario.path)).body)) return 'the body is not the one of the origin';
  if (!counter) return null;
  // The comparison above asked the origin once.
  const made = await figure(counter, '/_count') - before - (scenario.length && counter === origin ? 1 : 0);
  if (made !== 0) return `the answer was made anew (${made} more), not taken from the cache`;
  // A 304 need not repeat what the 200 said of the cache.
  const { saysHit } = kinds[server.name];
  if (saysHit && scenario.status === 200 && !saysHit(answer)) return 'the answer does not say that it is a hit';
  return null;
}

/** Null if each of two requests reaches the origin, as it must for what may not be stored. */
export async function whyNotPassedThrough(server, origin) {
  const before = await figure(origin, '/_count');
  for (let i = 0; i < 2; i++) {
    const { status, body } = await get(server, missScenario.path);
    if (status !== 200 || body.length !== missScenario.length) return `answered ${status} with ${body.length} bytes`;
  }
  const made = await figure(origin, '/_count') - before;
  return made === 2 ? null : `2 requests reached the origin ${made} times`;
}
