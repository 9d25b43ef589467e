import { describe, expect, test } from 'vitest';
import type { LogRequest } from '../../src/wire/v4.ts';
import { referencesOf, V4Rules, type V4RulesOptions } from './v4-rules.ts';

function log(reference: string, parent?: string, more: Partial<LogRequest> = {}): Partial<LogRequest> {
  return {
    project: 'p',
    reference_id: reference,
    ...(parent && { parent_reference_id: parent }),
    config: { type: 'generic' },
    ...more,
  };
}

const postOf = (logs: readonly object[]) => ({ method: 'POST', url: '/v4/logs', body: JSON.stringify(logs) });
const patchOf = (reference: string, update: object) => ({
  method: 'PATCH',
  url: `/v4/logs?reference_id=${reference}`,
  body: JSON.stringify(update),
});

/** Rules whose every request is answered before the next one comes. */
function createServer(options?: V4RulesOptions) {
  const rules = new V4Rules(options);
  const send = (request: ReturnType<typeof postOf>) => {
    const answer = rules.answer(request, rules.arrive());
    if (answer.status === 200) rules.acknowledge(referencesOf(request));
    return answer;
  };
  return {
    rules,
    post: (...logs: object[]) => send(postOf(logs)),
    patch: (reference: string, update: object) => send(patchOf(reference, update)),
  };
}

test('parents first, each log once, and updates of the three fields are not breaches', () => {
  const { rules, post, patch } = createServer();
  expect(post(log('a'), log('b'))).toEqual({
    status: 200,
    body: [
      { id: 'data_a', project_id: 'pr_1' },
      { id: 'data_b', project_id: 'pr_1' },
    ],
  });
  post(log('c', 'a'));
  expect(patch('a', { output: 'done', error: 'late', duration: 2 }).status).toBe(200);
  expect(rules.breaches).toEqual([]);
  expect([...rules.logs.keys()]).toEqual(['a', 'b', 'c']);
  expect(rules.logs.get('a')).toMatchObject({ output: 'done', error: 'late', duration: 2 });
});

describe('a breach is recorded, and the log is stored nevertheless, if', () => {
  const breachesOf = (play: (server: ReturnType<typeof createServer>) => void) => {
    const server = createServer();
    play(server);
    expect(server.rules.logs.size).toBeGreaterThan(0);
    return server.rules.breaches;
  };

  test('a parent was never posted', () => {
    expect(breachesOf(({ post }) => post(log('b', 'a')))).toEqual(['b came before its parent a was acknowledged']);
  });

  test.each([
    ['after it', [log('a'), log('b', 'a')]],
    ['before it', [log('b', 'a'), log('a')]],
  ])('a child comes in one request with its parent, %s', (_, logs) => {
    expect(breachesOf(({ post }) => post(...logs))).toEqual(['b shares a request with its parent a']);
  });

  test('a child comes before the answer for its parent is sent', () => {
    const rules = new V4Rules();
    rules.answer(postOf([log('a')]), rules.arrive());
    const arrivedAt = rules.arrive();
    rules.acknowledge(['a']);
    rules.answer(postOf([log('b', 'a')]), arrivedAt);
    expect(rules.breaches).toEqual(['b came before its parent a was acknowledged']);
  });

  test('the answer for its parent was lost, and no probe has asked since', () => {
    const { rules, post, patch } = createServer();
    rules.answer(postOf([log('a')]), rules.arrive());
    post(log('b', 'a'));
    expect(rules.breaches).toEqual(['b came before its parent a was acknowledged']);
    patch('a', {});
    post(log('c', 'a'));
    expect(rules.breaches).toHaveLength(1);
  });

  test.each([
    ['one request', [[log('a'), log('a')]]],
    ['two', [[log('a')], [log('a')]]],
  ])('a log comes twice in %s', (_, requests) => {
    expect(
      breachesOf(({ post }) => {
        for (const logs of requests) post(...logs);
      }),
    ).toEqual(['a was posted twice']);
  });

  test('it does not fit the schema', () => {
    expect(breachesOf(({ post }) => post(log('a', undefined, { duration: 'long' as never })))).toEqual([
      expect.stringMatching(/^a is invalid: .*duration/s),
    ]);
  });

  test('an update names what cannot be updated', () => {
    expect(
      breachesOf(({ post, patch }) => {
        post(log('a'));
        patch('a', { output: 'x', messages: [], source: 's' });
      }),
    ).toEqual(['a has an update of messages,source']);
  });

  test('an update does not fit the schema, which changes nothing', () => {
    const { rules, post, patch } = createServer();
    post(log('a'));
    expect(patch('a', { output: 7 }).status).toBe(422);
    expect(rules.breaches).toEqual([expect.stringMatching(/^a has an invalid update: .*output/s)]);
    expect(rules.logs.get('a')).not.toHaveProperty('output');
  });
});

test('an update of a log that is not there gets a 404 and is not a breach', () => {
  const { rules, patch } = createServer();
  expect(patch('a', { output: 'x' }).status).toBe(404);
  expect(rules.breaches).toEqual([]);
  expect(rules.logs.size).toBe(0);
});

test('a request that is handled halfway stores every other log', () => {
  const rules = new V4Rules();
  const request = postOf([log('a'), log('b'), log('c')]);
  expect(rules.answer(request, rules.arrive(), 'half').status).toBe(200);
  expect([...rules.logs.keys()]).toEqual(['a', 'c']);
});

test.each([
  [true, [{ loc: ['body', 1, 'config'], msg: 'bad', type: 'value_error' }]],
  [false, 'bad'],
])('one log that is refused costs its request a 422, which names it: %s', (namesRefused, detail) => {
  const { rules, post } = createServer({ refuses: ({ reference_id }) => reference_id === 'bad', namesRefused });
  expect(post(log('good'), log('bad'))).toEqual({ status: 422, body: { detail } });
  expect(rules.logs.size).toBe(0);
});

test('a request that is too large gets a 413 and is not stored', () => {
  const { rules, post } = createServer({ maxBytes: 200 });
  expect(post(log('a', undefined, { output: 'ø'.repeat(100) })).status).toBe(413);
  expect(post(log('b')).status).toBe(200);
  expect([...rules.logs.keys()]).toEqual(['b']);
});

test('a request names the logs in its body, or the log in its address', () => {
  expect(referencesOf(postOf([log('a'), log('b')]))).toEqual(['a', 'b']);
  expect(referencesOf(patchOf('a', { output: 'x' }))).toEqual(['a']);
  expect(referencesOf({ url: '/v4/logs', body: 'no JSON' })).toEqual([]);
});
