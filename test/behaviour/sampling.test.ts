/** Spans that a sampler leaves out. */
import { type Context, TraceFlags, trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, referenceOf } from '../support/traced-app.ts';

/** Decides by the span's name, not by the decision for its parent. */
const byName: Sampler = {
  shouldSample: (_context: Context, _traceId: string, name: string) => ({
    decision: name.startsWith('unsampled') ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED,
  }),
  toString: () => 'byName',
};

test('no span waits forever for an unsampled parent, and no unsampled span is sent', async () => {
  const server = await startMisbehavingV4();
  const sampler = byName;
  for (const app of [
    appWithProcessor(server, {}, { sampler }),
    appWithExporter(server, { missingParent: 'root' }, {}, { sampler }),
  ]) {
    const root = app.start('root', { attributes: AGENT });
    const unsampled = app.startOther('unsampled', { parent: root, attributes: AGENT });
    const call = app.start('call', { parent: unsampled });
    for (const span of [call, unsampled, root]) span.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(unsampled)).toBeUndefined();
    const isProcessor = app.client instanceof HumanloopSpanProcessor;
    // The exporter never gets the unsampled span, so it does not know its parent either.
    expect(app.log(call)?.parent_reference_id).toBe(isProcessor ? referenceOf(root) : undefined);
  }
});

test('with a ratio sampler exactly the sampled spans are logged', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, {}, { sampler: new TraceIdRatioBasedSampler(0.5) });
  let sampled = 0;
  for (let count = 0; count < 200; count++) {
    const root = app.startOther('root', { attributes: AGENT });
    const call = app.startOther('call', { parent: root });
    if (trace.isSpanContextValid(root.spanContext()) && root.spanContext().traceFlags & TraceFlags.SAMPLED) sampled++;
    call.end();
    root.end();
  }
  await app.client.forceFlush();
  expect(sampled).toBeGreaterThan(50);
  expect(server.logs.size).toBe(sampled);
  app.expectDelivered();
});
