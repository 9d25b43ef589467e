/** Spans of many megabytes: what takes long is not done where others wait for it. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Reading } from '../../../src/conventions/convention.ts';
import { writeLongContent } from '../../../src/server/otlp/long-content.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { sourceOf } from '../../../src/server/store/rows/json-source.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { makeSpan } from '../../conventions/span.ts';

const MEBIBYTE = 1024 * 1024;

async function open() {
  const store = await openSqliteStore({ file: ':memory:' });
  const intake = createOtlpIntake(store);
  onTestFinished(async () => {
    intake.close();
    await store.close();
  });
  const take = (content: string) => {
    const messages = JSON.stringify([{ role: 'user', content }]);
    const slice = makeSpan({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': messages });
    return intake.takeSpans([{ slice, projectName: 'p' }]);
  };
  return { store, intake, take };
}

test('long content is not written as JSON where others wait', async () => {
  const { store, intake, take } = await open();
  const content = 'a "long" text\n'.repeat(300_000);
  const { stringify } = JSON;
  let longest = 0;
  const write = vi.spyOn(JSON, 'stringify').mockImplementation((...values: Parameters<typeof stringify>) => {
    const text = stringify(...values);
    longest = Math.max(longest, text?.length ?? 0);
    return text;
  });
  const slice = makeSpan({
    'gen_ai.operation.name': 'chat',
    'gen_ai.input.messages': stringify([{ role: 'user', content }]),
  });
  expect(await intake.takeSpans([{ slice, projectName: 'p' }])).toEqual({ rejected: 0 });
  write.mockRestore();
  expect(longest).toBeLessThan(2 * MEBIBYTE);
  const { traceId, spanId } = slice.spanContext();
  const log = await store.updateLog({ referenceId: `${traceId}-${spanId}` }, {});
  expect(log?.messages).toEqual([{ role: 'user', content }]);
  expect(await take('short')).toEqual({ rejected: 0 });
});

test('what becomes far longer as JSON is left out, and said to be; the rest of the span is stored', async () => {
  const { store, intake } = await open();
  const message = (content: string, role = 'user') => JSON.stringify([{ role, content }]);
  const huge = '\u0001'.repeat(1.9 * MEBIBYTE).repeat(3);
  const storeSpan = async (attributes: Record<string, string | number>) => {
    const slice = makeSpan({ 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 7, ...attributes });
    expect(await intake.takeSpans([{ slice, projectName: 'p' }])).toEqual({ rejected: 0 });
    const { traceId, spanId } = slice.spanContext();
    return (await store.updateLog({ referenceId: `${traceId}-${spanId}` }, {}))!;
  };
  const log = await storeSpan({
    'gen_ai.input.messages': message(huge),
    'gen_ai.output.messages': message('short', 'assistant'),
  });
  expect([log.messages ?? null, log.prompt_tokens]).toEqual([null, 7]);
  expect([log.metadata?.['truncated'], log.output]).toEqual([['messages'], 'short']);
});

test('of what is too long together, the conversation is kept', async () => {
  const content = 'x'.repeat(17 * MEBIBYTE);
  const messages = [{ role: 'user' as const, content }];
  const reading: Reading = { messages, providerRequest: { content }, metadata: { truncated: ['input'] } };
  await writeLongContent(reading);
  expect(Object.keys(reading)).toEqual(['messages', 'metadata']);
  expect([reading.messages === messages, reading.metadata]).toEqual([
    true,
    { truncated: ['input', 'providerRequest'] },
  ]);
  expect(sourceOf(messages) === JSON.stringify(messages)).toBe(true);
});

test('metadata has a million characters at most: the shortest values stay, texts keep their beginning', async () => {
  const long = '\u0001'.repeat(MEBIBYTE);
  const reading: Reading = {
    metadata: { team: 'a', notes: `${long}end`, pages: [long, long], small: 1, truncated: ['input'] },
    contentMetadata: { choices: [{ content: long, number: 1 }] },
  };
  await writeLongContent(reading);
  const { notes, ...others } = reading.metadata!;
  expect([(notes as string).length, (notes as string).at(-1)]).toEqual([MEBIBYTE - 'ainput'.length + 1, '…']);
  expect(others).toEqual({ team: 'a', small: 1, truncated: ['input', 'notes', 'pages', 'choices'] });
});
