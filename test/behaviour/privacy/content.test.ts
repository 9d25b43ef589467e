/**
 * Every text of every recording, and of some spans more, holds a secret, and every byte that is sent is searched for
 * it.
 */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  HumanloopLogRecordProcessor,
  type HumanloopOptions,
  HumanloopSpanProcessor,
  type Redact,
} from '../../../src/index.ts';
import { recordingNames } from '../../conventions/recordings.ts';
import { collectDiag } from '../../support/collect-diag.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { referenceOf } from '../../support/traced-app.ts';
import { handWrittenSpans, type PlantedRecording, plantedRecording, SECRET } from './planted-secrets.ts';

const HAND_WRITTEN = handWrittenSpans();
const RECORDINGS = [HAND_WRITTEN, ...recordingNames().map(plantedRecording)];
/** A hook gets the final datapoint, whatever it was read from: some recordings are enough. */
const SOME = RECORDINGS.filter((_, index) => index % 8 === 0);

const ON_ALL = { timeout: 240_000 };

const message = JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: SECRET }] }]);

const fail = () => {
  throw new Error('hook');
};
const mask: Redact = (log) => JSON.parse(JSON.stringify(log).replaceAll(SECRET, '***'));

class Replay {
  readonly server: MisbehavingV4;
  readonly processor: HumanloopSpanProcessor;
  readonly #recordings: readonly PlantedRecording[];

  constructor(server: MisbehavingV4, options: HumanloopOptions, recordings: readonly PlantedRecording[]) {
    this.server = server;
    this.#recordings = recordings;
    this.processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl, holdMillis: 1, ...options });
    onTestFinished(() => this.processor.shutdown());
  }

  /** Plays each recording, with updates by the app and log records at each moment, also after its logs are sent. */
  async run(flush = () => this.processor.forceFlush()): Promise<void> {
    for (const recording of this.#recordings) {
      this.#sayMore(recording);
      for (const span of recording.started) this.processor.onStart(span);
      this.#sayMore(recording);
      for (const span of recording.spans) this.processor.onEnd(span);
      this.#sayMore(recording);
    }
    await flush();
    for (const recording of this.#recordings) this.#sayMore(recording);
    await flush();
  }

  get sent(): string {
    return this.server.requests.map(({ url, body, headers }) => url + body + JSON.stringify(headers)).join('\n');
  }

  #sayMore({ spans }: PlantedRecording): void {
    const records = new HumanloopLogRecordProcessor(this.processor);
    for (const span of spans) {
      const spanContext = span.spanContext();
      const attributes = { 'gen_ai.output.messages': message };
      records.onEmit({ spanContext, eventName: 'gen_ai.client.inference.operation.details', attributes });
      records.onEmit({ spanContext, eventName: 'gen_ai.choice', body: { message: { content: SECRET } } });
      this.processor.update(spanContext, { output: SECRET, error: SECRET, duration: 1 });
    }
  }
}

test('without any option the secrets are sent, so that the tests below can fail', async () => {
  const { server, sent } = await run({}, SOME);
  expect(server.logs.size).toBeGreaterThan(30);
  expect(sent.split(SECRET).length).toBeGreaterThan(300);
});

test('captureContent: false sends no content, and none is in diagnostics', ON_ALL, async () => {
  const diagnostics = collectDiag();
  const { server, sent } = await run({ captureContent: false });
  expect(server.logs.size).toBeGreaterThan(300);
  expectHandWritten(server);
  expect(sent).toMatch(/"prompt_tokens":\d/);
  expect(server.ofMethod('PATCH').length).toBeGreaterThan(100);
  expect(around(sent)).toBeUndefined();
  expect(around(diagnostics.lines.join('\n'))).toBeUndefined();
});

describe('redact', () => {
  test.each<[string, Redact]>([
    ['answers at once', mask],
    ['answers later', async (log) => mask(log)],
    ['throws', fail],
    ['rejects', async () => fail()],
    ['gives nothing', () => undefined as never],
  ])('that %s: all logs are sent, and nothing raw', async (_, redact) => {
    const { server, sent } = await run({ redact }, SOME);
    expect(server.logs.size).toBeGreaterThan(30);
    expectHandWritten(server);
    expect(around(sent)).toBeUndefined();
  });

  test('that returns null: nothing is sent', async () => {
    const { server } = await run({ redact: () => null }, SOME);
    expect(server.logs.size).toBe(0);
    expect(around(server.requests.map(({ body }) => body).join())).toBeUndefined();
  });

  test('that never answers: the logs are sent without their content', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const replay = new Replay(
      await startMisbehavingV4(),
      { redact: () => new Promise(() => undefined) },
      SOME.slice(0, 3),
    );
    await replay.run(async () => {
      const flushed = replay.processor.forceFlush();
      for (let turn = 0; turn < 100; turn++) {
        await vi.advanceTimersByTimeAsync(100);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await flushed;
    });
    expect(replay.server.logs.size).toBeGreaterThan(3);
    expect(replay.sent).toContain('"redaction":"failed"');
    expect(around(replay.sent)).toBeUndefined();
  });
});

async function run(options: HumanloopOptions, recordings = RECORDINGS): Promise<Replay> {
  const replay = new Replay(await startMisbehavingV4(), options, recordings);
  await replay.run();
  expect(replay.server.breaches).toEqual([]);
  return replay;
}

function expectHandWritten(server: MisbehavingV4): void {
  expect(HAND_WRITTEN.spans.map(referenceOf).filter((reference) => !server.logs.has(reference))).toEqual([]);
}

/** Returns where a secret was found, with the text before it. */
function around(text: string): string | undefined {
  const at = text.indexOf(SECRET);
  return at < 0 ? undefined : text.slice(Math.max(0, at - 300), at + SECRET.length);
}
