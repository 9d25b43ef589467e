/** Durations. */
import { expect, it } from 'vitest';
import { read } from '../span.ts';

it.each([
  [0.25, 250],
  ['0.25', 250],
  [412_500_000, 412.5],
])('reads the wait %j for the first token as %d milliseconds', (wait, millis) => {
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
  expect(read({ ...chat, 'gen_ai.response.time_to_first_token': wait }).metadata).toMatchObject({
    time_to_first_chunk_ms: millis,
  });
});
