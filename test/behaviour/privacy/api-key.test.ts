/** The API key is in no output, error or file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { type HumanloopOptions, HumanloopSpanExporter, HumanloopSpanProcessor } from '../../../src/index.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { planIn, startProducer } from '../../support/producer/start-producer.ts';
import { temporaryDirectory } from '../../support/start-test-server.ts';

const API_KEY = 'hl_sk_this_must_not_be_seen';
const FORMS = [
  API_KEY,
  Buffer.from(API_KEY).toString('base64'),
  Buffer.from(API_KEY).toString('hex'),
  encodeURIComponent(API_KEY),
];

test('a refused key is in no output and no file, even at the most detailed log level', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({
    fault: () => ({ answer: { status: 401, body: { detail: `bad key ${API_KEY}` } } }),
  });
  const plan = planIn(directory, server.baseUrl, {
    seed: 7,
    diary: 'refused',
    traces: 20,
    maxPauseMillis: 20,
    openShare: 0,
    ending: 'shutdown',
    options: { apiKey: API_KEY, holdMillis: 100, flushTimeoutMillis: 800 },
  });
  const producer = await startProducer(plan);
  await producer.ended;
  expect(producer.output).toContain('HTTP 401');
  const spool = join(directory, 'spool');
  const files = readdirSync(spool).map((name) => readFileSync(join(spool, name), 'latin1'));
  expect(files.length).toBeGreaterThan(0);
  for (const text of [producer.output, readFileSync(plan.diary, 'utf8'), ...files]) {
    for (const form of FORMS) expect(text).not.toContain(form);
  }
});

test('the key is not shown by an inspected processor or exporter, or by an error that one throws', async () => {
  for (const Client of [HumanloopSpanProcessor, HumanloopSpanExporter]) {
    const client = new Client({ apiKey: API_KEY, baseUrl: 'http://127.0.0.1:9', flushTimeoutMillis: 50 });
    const texts = [inspect(client, { depth: 20, showHidden: true }), JSON.stringify(client), String(client)];
    for (const text of texts) expect(text).not.toContain(API_KEY);
  }
  const wrong: HumanloopOptions[] = [
    { apiKey: `${API_KEY}\u00e9` },
    { apiKey: [API_KEY] as never },
    { baseUrl: `http://user:${API_KEY}@127.0.0.1` },
  ];
  for (const options of wrong) {
    const error = (() => {
      try {
        return new HumanloopSpanProcessor(options);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error)).not.toContain(API_KEY);
  }
});
