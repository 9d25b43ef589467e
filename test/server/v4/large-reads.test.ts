/** What has megabytes is read without holding up others. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeText } from '../../../src/server/http/encode-text.ts';
import { prepareConfig, toConfigJson } from '../../../src/server/store/rows/config-response.ts';
import { watchTurns, yardstickMillis } from '../../support/effort.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));
const LONG = 'lorem ipsum dolor '.repeat(20_000);
const TOOL = { name: 'tool', description: LONG };
const TOOL_ID = `tool_${createHash('sha256').update(JSON.stringify(TOOL)).digest('hex').slice(0, 21)}`;

/** What was given, and what is answered besides. */
const CONFIGS: Record<string, readonly [given: string, answered: object]> = {
  'a model with long texts': [
    `{"type":"model","prompt_template":${JSON.stringify(LONG)},"__proto__":{"x":1},"a\\"b":[],"10":null,"id":"other"}`,
    JSON.parse(`{"id":"config_1","__proto__":{"x":1},"a\\"b":[],"10":null}`),
  ],
  'a model with tools': [
    JSON.stringify({ type: 'model', tools: [TOOL, { id: 'own' }, { name: 'n', id: 'b' }] }),
    {
      tools: [
        { ...TOOL, id: TOOL_ID },
        { id: 'own', name: 'own' },
        { name: 'n', id: 'b' },
      ],
    },
  ],
  'a tool': [
    JSON.stringify({ type: 'tool', source: LONG }),
    { source_code: LONG, status: 'uncommitted', name: 'tool' },
  ],
  'an agent': [
    JSON.stringify({
      type: 'agent',
      agent_class: 'a',
      model_config: { tools: [{ source: 'x' }] },
      tools: [{ source: LONG }],
    }),
    {
      model_config: { tools: [{ source_code: 'x' }] },
      tools: [{ source_code: LONG }],
      status: 'uncommitted',
      name: 'a',
    },
  ],
};

test.each(Object.entries(CONFIGS))('%s is converted in steps, and the same at once', async (_, [config, answered]) => {
  const [prepared, row] = [
    { config_id: 'config_1', config },
    { config_id: 'config_1', config },
  ];
  await prepareConfig(prepared);
  const json = toConfigJson(prepared);
  expect(json).toBe(toConfigJson(row));
  const { source, ...given } = JSON.parse(config);
  expect(JSON.parse(json)).toEqual({ ...given, ...answered, id: 'config_1' });
});

test('a long text is encoded in steps, and the same at once', async () => {
  const units = fc.array(fc.constantFrom('a', 'é', '漢', '😀', '\ud83d', '\ude00'), { minLength: 1, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(units, fc.integer({ min: 200_000, max: 300_000 }), async (each, count) => {
      const text = `${'b'.repeat(count)}${each.join('').repeat(60_000)}`;
      expect((await encodeText(text)).equals(Buffer.from(text))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('several reads of sessions with large inputs at once hold up nobody for long', async () => {
  const server = await startTestServer();
  const unit = await yardstickMillis();
  const inputs = { q: 'lörem ipsüm 漢字 '.repeat(250_000) };
  const log = { project: 'p', config: { model: 'm' }, session_reference_id: 's', inputs };
  const { id } = (await server.call('POST', '/v4/logs', log)).body;
  const { session_id: session, project_id: project } = (await server.call('GET', `/v4/logs/${id}`)).body;
  for (const path of [`sessions/${session}`, `sessions?project_id=${project}`]) {
    const read = async () => (await (await fetch(`${server.url}/v4/${path}`)).arrayBuffer()).byteLength;
    const { result, longestMillis } = await watchTurns(() => Promise.all(times(12, read)));
    expect(Math.min(...result)).toBeGreaterThan(4_000_000);
    expect(longestMillis / unit, path).toBeLessThan(5);
  }
});
