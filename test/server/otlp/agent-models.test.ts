/** A call whose model only its agent names has it from there, whichever of the two comes first. */
import { expect, test } from 'vitest';
import { loadRecording, toSpans } from '../../conventions/recordings.ts';
import { KilledServer } from './kill-server.ts';

const SPANS = toSpans(loadRecording('other-languages/coding-agent-codex'));

test.each([
  ['in one request', [SPANS]],
  ['one by one', SPANS.map((span) => [span])],
  ['one by one, the last one first', SPANS.toReversed().map((span) => [span])],
])('%s', async (_, requests) => {
  const server = await KilledServer.start();
  try {
    for (const request of requests) expect(await server.take(request)).toEqual({ rejected: 0 });
    const configs = [...(await server.logs()).values()].map(({ config }) => config);
    expect(configs).toContainEqual(
      expect.objectContaining({ type: 'model', model: 'gpt-5-codex', provider: 'openai' }),
    );
  } finally {
    await server.close();
  }
});
