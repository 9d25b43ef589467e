/** Whatever key has a value that is nested too deep to be walked: the datapoint must be one that can be. */
import { expect, it } from 'vitest';
import { loadRecording, recordingNames, toDatapoints, toSpan } from './recordings.ts';

const DEPTH = 300;
const MAX_DEPTH = 100;

const objects = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;
const lists = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
const VALUES: readonly unknown[] = [objects, `[${lists}]`, JSON.parse(objects), [JSON.parse(lists)]];

it('at each key of each vocabulary', () => {
  const seen = new Set<string>();
  const tooDeep: string[] = [];
  for (const recorded of recordingNames().flatMap((name) => loadRecording(name).spans)) {
    const { attributes, instrumentationScope } = recorded;
    for (const key of Object.keys(attributes)) {
      const place = [
        ...[instrumentationScope?.name, key.replace(/\d+/g, '0')],
        ...[attributes['openinference.span.kind'], attributes['gen_ai.operation.name']],
      ].join(' ');
      if (seen.has(place)) continue;
      seen.add(place);
      for (const value of VALUES) {
        const datapoints = toDatapoints([
          toSpan({ ...recorded, attributes: { ...attributes, [key]: value } as never }),
        ]);
        if (datapoints.some(isTooDeep)) tooDeep.push(place);
      }
    }
  }
  expect([...new Set(tooDeep)]).toEqual([]);
}, 60_000);

function isTooDeep(datapoint: unknown): boolean {
  const open: [unknown, number][] = [[datapoint, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next;
    if (depth > MAX_DEPTH) return true;
    if (typeof value !== 'object' || value === null) continue;
    for (const inner of Object.values(value)) open.push([inner, depth + 1]);
  }
  return false;
}
