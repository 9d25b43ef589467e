import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logRequest } from '../../src/wire/v4.ts';
import { loadRecording, RECORDINGS, recordingNames, toDatapoints, toSpans } from './recordings.ts';

describe.each(recordingNames())('%s', (name) => {
  const datapoints = toDatapoints(toSpans(loadRecording(name)));
  const expectedFile = `${RECORDINGS}${name}.expected.json`;

  it('gives datapoints that the API accepts', () => {
    for (const datapoint of datapoints) expect(logRequest.safeParse(datapoint).error?.issues).toBeUndefined();
  });

  if (!existsSync(expectedFile)) return;
  it('gives the datapoints that were checked by eye', () => {
    const expected: unknown = JSON.parse(readFileSync(expectedFile, 'utf8'));
    expect(JSON.parse(JSON.stringify(datapoints))).toEqual(expected);
  });
});
