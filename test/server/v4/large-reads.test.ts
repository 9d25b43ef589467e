/** What has megabytes is read without holding up others. */
import { expect, test } from 'vitest';
import { prepareConfig, toConfigJson } from '../../../src/server/store/rows/config-response.ts';
import { watchTurns, yardstickMillis } from '../../support/effort.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));
const tool = (at: number) => ({ name: `tool ${at}`, description: 'what it does '.repeat(50) });

const CONFIGS: Record<string, Record<string, unknown>> = {
  'a long text': { type: 'model', model: 'm', prompt_template: 'lorem ipsum dolor '.repeat(150_000) },
  'many tools': { type: 'model', model: 'm', tools: times(5_000, tool) },
  'many values': { type: 'model', model: 'm', other: { a: times(25_000, (at) => `${at} `.padEnd(100, 'v')) } },
  'an agent': { type: 'agent', agent_class: 'a', model_config: { tools: [{ source: 'x' }] }, tools: [{ source: 'y' }] },
  'a tool': { type: 'tool', source: 'code', parameters: times(20_000, String) },
};

test.each(Object.keys(CONFIGS))('%s is the same in steps as at once', async (name) => {
  const content = JSON.stringify(CONFIGS[name]);
  const row = () => ({ config_id: 'config_1', config: content });
  const prepared = row();
  await prepareConfig(prepared);
  const config = JSON.parse(toConfigJson(prepared));
  expect(config).toEqual(JSON.parse(toConfigJson(row())));
  const { tools, model_config: model, source, ...rest } = CONFIGS[name]!;
  expect(config).toMatchObject({ ...rest, id: 'config_1' });
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
