/** A reading that is taken back from its datapoint gives the same datapoint, for all that was ever recorded. */
import { expect, test } from 'vitest';
import { readDatapoint, spanOfDatapoint } from '../../src/datapoint/from-datapoint.ts';
import { toDatapoint } from '../../src/datapoint/to-datapoint.ts';
import { loadRecording, recordingNames, SETTINGS, toDatapoints, toSpans } from '../conventions/recordings.ts';

test.each(recordingNames())('%s', (name) => {
  for (const datapoint of toDatapoints(toSpans(loadRecording(name)))) {
    const { type: kind = 'model' } = datapoint.config ?? {};
    const reading = readDatapoint(datapoint, kind);
    const { reference_id, session_reference_id, parent_reference_id, metadata } = datapoint;
    const [traceId = '', spanId = ''] = (reference_id as string).split('-');
    const identity = {
      referenceId: reference_id as string,
      sessionReferenceId: session_reference_id as string,
      parentReferenceId: parent_reference_id ?? undefined,
    };
    const context = { user: metadata?.['user'] as string, tags: metadata?.['tags'] as string[] };
    const settings = { ...SETTINGS, environment: datapoint.environment ?? undefined };
    const again = toDatapoint(spanOfDatapoint(datapoint, traceId, spanId), kind, reading, identity, settings, context);
    const { feedback: _, ...said } = datapoint;
    expect(again).toEqual(said);
  }
});
