/** The short way says exactly what the long way says, or nothing. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadRecording, recordingNames, toSpans } from '../../conventions/recordings.ts';
import { contentOf, waveOf, writeLong, writeShortly } from './both-ways.ts';
import { spanNearGenAi } from './near-gen-ai.ts';

const RUNS = Number(process.env['RUNS'] ?? 3_000);

it('says what the long way says about spans near the common shape, of which it knows a third', () => {
  let known = 0;
  let count = 0;
  fc.assert(
    fc.property(spanNearGenAi, (span) => {
      count++;
      const short = writeShortly(span);
      if (!short) return;
      known++;
      const long = writeLong(span);
      expect(contentOf(short)).toEqual(contentOf(long));
      const wave = waveOf(short, long);
      const [first, second] = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(wave));
      expect(first).toEqual(second);
    }),
    { numRuns: RUNS },
  );
  expect(known / count).toBeGreaterThan(1 / 3);
});

it('says what the long way says about all recordings', () => {
  const known: string[] = [];
  for (const name of recordingNames()) {
    for (const span of toSpans(loadRecording(name))) {
      const short = writeShortly(span);
      if (!short) continue;
      known.push(name);
      expect(contentOf(short)).toEqual(contentOf(writeLong(span)));
    }
  }
  expect(new Set(known).size).toBeGreaterThan(1);
});
