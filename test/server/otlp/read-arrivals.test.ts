/** How a span is read in steps, so that one of many megabytes does not keep others waiting for all of it. */
import { expect, test, vi } from 'vitest';
import { Reporters } from '../../../src/server/otlp/linking/call-keys.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { readArrival } from '../../../src/server/otlp/read-arrivals.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { makeSpan } from '../../conventions/span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };

test.each([
  ['a call', CHAT, 3],
  ['a span that is no log', { 'http.request.method': 'POST' }, 0],
])('%s is read in its number of steps', (_, attributes, expected) => {
  const settings = { captureContent: true, source: 's', reporters: new Reporters(), conventions: undefined };
  const steps = readArrival({ slice: makeSpan(attributes), projectName: undefined }, settings);
  let count = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) count += 1;
  expect(count).toBe(expected);
  expect(step.value).toMatchObject({ traceId: 'a'.repeat(32), arrival: { spanId: 'b'.repeat(16) } });
});

test('the attributes of a span are let go when they are read', () => {
  const settings = { captureContent: true, source: 's', reporters: new Reporters(), conventions: undefined };
  const steps = readArrival({ slice: makeSpan(CHAT), projectName: undefined }, settings);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const { span } = step.value!.arrival.log!;
  expect(span).toMatchObject({ name: 'span', duration: [1, 0] });
  expect(span).not.toHaveProperty('attributes');
});

test('other work runs between the steps of one span that takes long', async () => {
  const store = await openSqliteStore({ file: ':memory:', onError: () => {} });
  const intake = createOtlpIntake(store);
  // As if each look at the clock were long after the one before.
  let millis = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    millis += 1_000;
    return millis;
  });
  try {
    let turns = 0;
    let isWriting = false;
    const ingest = vi.spyOn(store, 'ingest').mockImplementation(async () => {
      isWriting = true;
      return [];
    });
    const count = (): void => {
      if (isWriting) return;
      turns += 1;
      setImmediate(count);
    };
    setImmediate(count);
    await intake.takeSpans([{ slice: makeSpan(CHAT), projectName: undefined }]);
    expect(ingest).toHaveBeenCalled();
    expect(turns).toBeGreaterThanOrEqual(3);
  } finally {
    clock.mockRestore();
    vi.restoreAllMocks();
    intake.close();
    await store.close();
  }
});
