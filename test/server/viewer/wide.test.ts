/** Lists and searches of the viewer over what is very many, very deep or very long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { hasMetadata } from '../../../src/server/store/rows/log-labels.ts';
import { findFirstMatch } from '../../../src/server/store/word-matches.ts';
import { ratioOf, watchTurns } from '../../support/effort.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';

const CONFIG = { model: 'gpt-4' };
const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));

async function send(server: TestServer, method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)?.slice(0, 300)).toBeLessThan(300);
  return answer.body;
}

async function indexed(server: TestServer): Promise<void> {
  while ((await send(server, 'GET', '/viewer/api/sessions?size=1')).indexing) await sleep(20);
}

/** A chain of logs, each below the one before. */
async function createChain(server: TestServer, length: number): Promise<void> {
  const log = (at: number) => ({
    ...{ project: 'p', config: CONFIG, reference_id: `${at}` },
    ...(at > 0 && { parent_reference_id: `${at - 1}` }),
  });
  const all = times(length, log);
  for (let at = 0; at < length; at += 1_000) {
    const some = all.slice(at, at + 1_000);
    await send(
      server,
      'POST',
      '/v4/logs',
      some.filter((_, index) => index % 2 === 1),
    );
    await send(
      server,
      'POST',
      '/v4/logs',
      some.filter((_, index) => index % 2 === 0),
    );
  }
}

test('the session of a log far below others is found without a step of the main thread for each', async () => {
  const server = await startTestServer();
  await createChain(server, 3_000);
  const top = await send(server, 'PATCH', '/v4/logs?reference_id=0', { output: 'top' });
  const last = await send(server, 'PATCH', '/v4/logs?reference_id=2999', { output: 'last' });
  expect((await send(server, 'GET', `/viewer/api/logs/${last.id}`)).session).toBe(top.id);
  expect((await send(server, 'GET', `/viewer/api/logs/${top.id}`)).session).toBe(top.id);
  // One in the middle that comes into a session.
  const middle = { project: 'p', config: CONFIG, reference_id: '1000', session_reference_id: 's' };
  const { session_id } = await send(server, 'POST', '/v4/logs', middle);
  expect((await send(server, 'GET', `/viewer/api/logs/${last.id}`)).session).toBe(session_id);
});

test('a log that is completed with a parent far below others, or with one below itself, ends', async () => {
  const server = await startTestServer();
  await createChain(server, 3_000);
  const complete = (reference_id: string, parent_reference_id: string) =>
    send(server, 'POST', '/v4/logs', { project: 'p', config: CONFIG, reference_id, parent_reference_id });
  await send(server, 'POST', '/v4/logs', { project: 'p', config: CONFIG, reference_id: 'w' });
  await complete('w', '2999');
  await complete('0', 'w');
  const read = async (reference: string) =>
    send(server, 'PATCH', `/v4/logs?reference_id=${reference}`, { output: 'o' });
  const last = await read('2999');
  expect((await read('w')).parent_id).toBe(last.id);
  // The circle is not closed, and the reference is kept.
  const { parent_id, parent_reference_id } = await read('0');
  expect([parent_id, parent_reference_id]).toEqual([undefined, 'w']);
});

test('a project that is renamed while its logs are indexed is found by its new name alone', async () => {
  const server = await startTestServer();
  const { id } = await send(server, 'POST', '/v4/projects', { name: 'name 0' });
  const log = (at: number) => ({
    ...{ project_id: id, config: CONFIG, session_reference_id: `${at}`, output: 'o' },
    messages: [{ role: 'user', content: `word${at} `.repeat(60) }],
  });
  let name = 'name 0';
  for (let round = 0; round < 3; round += 1) {
    await send(
      server,
      'POST',
      '/v4/logs',
      times(500, (at) => log(500 * round + at)),
    );
    for (let at = 1; at <= 25; at += 1) {
      name = `name ${round} ${at}`;
      await send(server, 'PATCH', `/v4/projects/${id}`, { name });
      await sleep(2);
    }
  }
  await indexed(server);
  expect((await send(server, 'GET', '/viewer/api/filters')).projects).toEqual([name]);
  let found = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string = cursor && `&cursor=${encodeURIComponent(cursor)}`;
    const page = await send(server, 'GET', `/viewer/api/sessions?size=200&project=${encodeURIComponent(name)}${more}`);
    found += page.sessions.length;
    cursor = page.next;
  }
  expect(found).toBe(1_500);
});

test('metadata of many sessions are looked through while others have their turns', async () => {
  const server = await startTestServer();
  const metadata = { a: 1, x: 'b 2', rest: times(4_500, (at) => at / 7) };
  for (let round = 0; round < 4; round += 1) {
    const logs = times(50, (at) => ({
      project: 'p',
      config: CONFIG,
      session_reference_id: `${round} ${at}`,
      metadata,
    }));
    await send(server, 'POST', '/v4/logs', logs);
  }
  await indexed(server);
  const filters = `${'metadata.a:1 '.repeat(14)}metadata.b:2`;
  const path = `/viewer/api/sessions?size=200&q=${encodeURIComponent(filters)}`;
  const { result, wholeMillis, longestMillis } = await watchTurns(() => send(server, 'GET', path));
  expect(result.sessions).toEqual([]);
  expect(longestMillis).toBeLessThan(wholeMillis / 3);
});

test('the places of a match are looked for in many sessions while others have their turns', async () => {
  const server = await startTestServer();
  const output = `${times(1_400, (at) => `w${at % 97}o`).join(' ')} cafe`;
  for (let round = 0; round < 4; round += 1) {
    const logs = times(50, (at) => ({ project: 'p', config: CONFIG, session_reference_id: `${round} ${at}`, output }));
    await send(server, 'POST', '/v4/logs', logs);
  }
  await indexed(server);
  const path = `/viewer/api/sessions?size=200&q=${encodeURIComponent('café')}`;
  const { result, wholeMillis, longestMillis } = await watchTurns(() => send(server, 'GET', path));
  expect(result.sessions).toHaveLength(200);
  expect(longestMillis).toBeLessThan(wholeMillis / 3);
});

test('many filters of the same metadata cost about as much as one', async () => {
  const json = JSON.stringify({ a: 1, rest: times(50_000, (at) => at / 7) });
  const filter = { key: 'a', value: '1' };
  const look = (filters: number) => () => expect(hasMetadata(json, Array(filters).fill(filter))).toBe(true);
  expect(await ratioOf(look(1), look(40), 5)).toBeLessThan(5);
});

test('a term that comes again, and is within a long word, costs about as much as one', async () => {
  const text = `${'a'.repeat(150_000)} a`;
  const find = (terms: number) => () => findFirstMatch(text, Array(terms).fill('a'));
  expect(await ratioOf(find(1), find(50), 5)).toBeLessThan(5);
  const beginnings = times(30, (at) => 'a'.repeat(at + 1));
  expect(await ratioOf(find(1), () => findFirstMatch(text, beginnings), 5)).toBeLessThan(5);
  expect(findFirstMatch(`${'ab '.repeat(100)}a`, ['a'])).toBe(300);
});
