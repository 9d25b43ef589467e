/** Whatever can be posted can be listed, opened, searched and deleted, and hides no other log. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

/** Written out by `toBody`: fast-check itself cannot print what is nested so deeply. */
const deep = fc.record({ levels: fc.integer({ min: 1, max: 1_980 }), open: fc.constantFrom('list', 'object') });

function toBody(value: object): string {
  return JSON.stringify(value).replaceAll(/\{"levels":(\d+),"open":"(\w+)"\}/g, (_, levels, open) =>
    open === 'list'
      ? `{"list":${'['.repeat(levels)}1${']'.repeat(levels)}}`
      : `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`,
  );
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    ...[
      '',
      '\0',
      'a\0b',
      '\0zebra',
      '\ud800',
      'x\udfff',
      '"',
      "'",
      '%_\\',
      '\u202e',
      '🙂'.repeat(200),
      '{"a":1}',
      '$.name',
    ],
    ...['x'.repeat(9_999), 'w '.repeat(4_000), 'null', '__proto__', '9007199254740993'],
  ),
);
const longText = fc.oneof(text, fc.constantFrom('x'.repeat(300_000), 'ab '.repeat(70_000), '漢'.repeat(5_000)));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 5e-324, 1e308, -1e308, 2 ** 53, -(2 ** 53), 2 ** 63, 1e11, -1e11, 1e12, -1e12),
);
/** `edges` are taken; a few of the values beside them are not. */
const amongst = <Value>(edges: fc.Arbitrary<Value>, beyond: fc.Arbitrary<Value>) =>
  fc.oneof({ arbitrary: edges, weight: 30 }, { arbitrary: beyond, weight: 1 });
const amount = amongst(
  fc.oneof(fc.double({ min: -1e11, max: 1e11, noNaN: true }), fc.constantFrom(0, -0, 5e-324, 1e11, -1e11)),
  fc.constantFrom(1e308, -1e308, 1.1e12, 2 ** 63),
);
const count = amongst(
  fc.oneof(fc.integer(), fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 0)),
  fc.constantFrom(2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, 0.5),
);
const time = amongst(
  fc.constantFrom(
    ...['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '1969-12-31T23:59:59.5Z'],
    ...['2024-02-29T00:00:00', '0001-01-01T00:00:00-23:59', '2024-01-01T00:00:00.000001+05:30'],
  ),
  fc.constantFrom('0000-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00', '2023-02-29T00:00:00Z'),
);
const object = fc.oneof(
  deep,
  fc.dictionary(text, fc.oneof(fc.jsonValue({ maxDepth: 3 }), number, longText), { maxKeys: 4 }),
  fc.constantFrom(
    { v: Array(2_000).fill(0.123456789) },
    JSON.parse('{"__proto__":{"a":1}}'),
    { trace_id: { a: 1 } },
    {},
  ),
  fc.record({ trace_id: text }),
);
const message = fc.record(
  {
    role: fc.constantFrom('user', 'assistant', 'system', 'tool'),
    content: fc.oneof(
      longText,
      fc.constant(null),
      fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 3 }),
    ),
    tool_calls: fc.array(
      fc.record({ id: text, type: fc.constant('function'), function: fc.record({ name: longText, arguments: text }) }),
      { maxLength: 2 },
    ),
    extra: object,
  },
  { requiredKeys: ['role'] },
);
const config = fc.oneof(
  fc.record(
    {
      type: fc.constant('model'),
      model: text,
      name: longText,
      other: object,
      tools: fc.array(fc.record({ name: text })),
    },
    { requiredKeys: ['type', 'model'] },
  ),
  fc.record({ type: fc.constant('generic'), name: longText, other: object }, { requiredKeys: ['type'] }),
  fc.record(
    { type: fc.constant('tool'), name: longText, parameters: object, unknown: object },
    { requiredKeys: ['type', 'name'] },
  ),
  fc.record(
    { type: fc.constant('agent'), agent_class: longText, model_config: fc.record({ model: text }), other: object },
    { requiredKeys: ['type', 'agent_class', 'model_config'] },
  ),
);
const feedback = fc.record(
  {
    type: text,
    value: fc.oneof(text, fc.boolean(), number, fc.array(text, { maxLength: 3 })),
    user: text,
    created_at: time,
  },
  { requiredKeys: ['type', 'value'] },
);
const log = fc.record(
  {
    project: fc.oneof(fc.constant('p'), text),
    config,
    session_reference_id: fc.oneof(fc.constantFrom('s', 't'), text),
    reference_id: fc.oneof(fc.constantFrom('a', 'b', 'c'), text),
    parent_reference_id: fc.oneof(fc.constantFrom('a', 'b', 'd'), text),
    ...{ inputs: object, metadata: object, provider_request: object, provider_response: fc.oneof(object, longText) },
    ...{ source: text, environment: text, trial_id: text, source_datapoint_id: text, save: fc.boolean() },
    ...{ messages: fc.array(message, { maxLength: 4 }), output_message: message },
    ...{ output: longText, error: longText, stdout: longText, judgment: fc.oneof(text, number) },
    feedback: fc.oneof(feedback, fc.array(feedback, { maxLength: 4 })),
    created_at: time,
    ...{ duration: amount, prompt_tokens: count, output_tokens: count, prompt_cost: amount, output_cost: amount },
  },
  { requiredKeys: ['project', 'config'] },
);

const SORTS = ['source.asc', 'model.desc', 'timestamp.asc', 'feedback-rating.desc'];

async function readAll(server: TestServer): Promise<Set<string>> {
  const read = async (path: string) => {
    const { status, body } = await server.call('GET', path);
    expect(status, `${path}: ${JSON.stringify(body).slice(0, 300)}`).toBe(200);
    return body;
  };
  /** Large logs come alone. */
  const readPortions = async (path: string, field: string) => {
    const all: { id: string }[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const portion: Record<string, unknown> = await read(
        `${path}${cursor && `?cursor=${encodeURIComponent(cursor)}`}`,
      );
      all.push(...(portion[field] as { id: string }[]));
      cursor = portion['next'] as string | null;
    }
    return all;
  };
  const ids = new Set<string>();
  for (const { id } of (await read('/v4/projects?size=1000')).records) {
    await read(`/v4/projects/${id}`);
    const plain = await read(`/v4/logs?project_id=${id}&size=1000`);
    for (const record of plain.records) ids.add(record.id);
    await read(`/v4/logs?project_id=${id}&${SORTS.map((sort) => `sort=${sort}`).join('&')}&search=a%00b`);
    await read(
      `/v4/logs?project_id=${id}&metadata_search=%22&source_filter=%00&model_filter=a%00b&feedback-%00_filter=1`,
    );
    const sessions = await read(`/v4/sessions?project_id=${id}&size=1000`);
    for (const session of sessions.records) await read(`/v4/sessions/${session.id}`);
  }
  for (const query of [
    '',
    '?q=zebra',
    '?q=a%00b',
    '?q=%22x%22',
    '?error=1',
    '?feedback=*',
    '?model=a%00b',
    '?type=model',
    '?user=a%00b',
    '?environment=zebra&sort=cost',
    '?sort=started',
    '?sort=changed',
    '?sort=duration&min_duration=1',
    '?q=metadata.trace_id:*',
    '?since=0000-01-01T00:00:00Z&until=9999-12-31T23:59:59Z',
    '?q=a%00b%20metadata.a.a:1%20user:x',
  ]) {
    await read(`/viewer/api/sessions${query}`);
  }
  for (const session of (await read('/viewer/api/sessions?size=200')).sessions) {
    const logs = await readPortions(`/viewer/api/sessions/${session.id}`, 'logs');
    const records = await readPortions(`/viewer/api/sessions/${session.id}/logs`, 'records');
    expect(records.map(({ id }) => id)).toEqual(logs.map(({ id }) => id));
    expect((await read(`/viewer/api/names/${session.id}`)).session).toBe(session.id);
    for (const each of logs) {
      ids.add(each.id);
      await read(`/viewer/api/logs/${each.id}`);
      await read(`/v4/logs/${each.id}`);
    }
  }
  await read('/viewer/api/filters');
  await read('/viewer/api/overview?days=92');
  await read('/viewer/api/overview?until=9999-12-31T23:59:59Z&project=%00');
  await read('/viewer/api/overview?until=0000-01-01T00:00:00Z');
  return ids;
}

test('any log that is taken', async () => {
  const faults: unknown[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(log, { minLength: 1, maxLength: 6 }), async (logs) => {
      const server = await startTestServer({ onError: (error) => faults.push(error) });
      const [witness] = (
        await server.call('POST', '/v4/logs', [
          { project: 'witness', config: { model: 'm' }, session_reference_id: 's', inputs: { q: 'the zebra' } },
        ])
      ).body;
      const taken: string[] = [witness.id];
      for (const each of logs) {
        const { status, body } = await server.call('POST', '/v4/logs', toBody(each));
        expect([200, 422], JSON.stringify(body)).toContain(status);
        if (status === 200) taken.push(body.id);
        else expect(body.detail[0].loc[0]).toBe('body');
      }
      await server.call('PATCH', `/v4/logs/${taken.at(-1)}`, { output: 'late\0', error: '\ud800', duration: 1 });
      await expect
        .poll(async () => (await server.call('GET', '/viewer/api/sessions?q=zebra')).body.sessions.length, {
          timeout: 30_000,
        })
        .toBeGreaterThan(0);
      expect([...(await readAll(server))].toSorted()).toEqual([...new Set(taken)].toSorted());
      const query = [...new Set(taken)].map((id) => `id=${id}`).join('&');
      expect((await server.call('DELETE', `/v4/logs?${query}`)).status).toBe(204);
      expect(await readAll(server)).toEqual(new Set());
      await server.close();
      expect(faults).toEqual([]);
    }),
    { numRuns: 15, endOnFailure: true },
  );
});
