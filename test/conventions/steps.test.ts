/** A span that its vocabulary calls a step counts no tokens of its own, so nothing is compared with it. */
import { expect, it } from 'vitest';
import { classifySpan, readSpan } from '../../src/conventions/index.ts';
import { loadRecording, recordingNames, toSpans } from './recordings.ts';
import { makeSpan } from './span.ts';

it('says the same as the readings of all recorded spans', () => {
  const steps = new Set<string>();
  for (const name of recordingNames()) {
    for (const span of toSpans(loadRecording(name))) {
      const { kind, convention, recognitions = [] } = classifySpan(span) ?? {};
      const [only] = recognitions;
      if (kind !== 'generic' || recognitions.length > 1 || !only?.convention.isStep?.(span)) continue;
      steps.add(String(convention));
      expect(readSpan(span)).not.toMatchObject({ promptTokens: expect.anything() });
      expect(readSpan(span)).not.toMatchObject({ outputTokens: expect.anything() });
    }
  }
  expect([...steps].sort()).toEqual(['openinference', 'openllmetry', 'vector-stores']);
});

it('does not take an embedding for a step', () => {
  const { recognitions } = classifySpan(makeSpan({ 'openinference.span.kind': 'EMBEDDING' })) ?? {};
  expect(recognitions?.[0]?.convention.isStep?.(makeSpan({ 'openinference.span.kind': 'EMBEDDING' }))).toBe(false);
});
