/**
 * However a trace is cut into requests, in whatever order they come, how often, and if the server is killed between
 * them: what is stored in the end is what one request with all spans gives, and what an app's own span processor sends.
 *
 * Where the two cannot agree, the traces here have nothing of it: a call that two instrumentations report in traces of
 * their own, which only a process that sees both at once can join; ids that form a circle, which the processor cuts where
 * it is closed. A parent that never comes is named by the intake, since it may still come, and not by the processor.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveOptions } from '../../../src/options.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { LogRequest } from '../../../src/wire/v4.ts';
import { PROPERTY_TIMEOUT_MILLIS, RUNS } from '../../pipeline/forests.ts';
import { StrictEndpoint } from '../../support/strict-endpoint.ts';
import { comparable, requestsOf, scenario, spansOfAll } from './cut-traces.ts';
import { KilledServer } from './kill-server.ts';

test('any cut of any traces gives the logs of one request, and those of the span processor', {
  timeout: 4 * PROPERTY_TIMEOUT_MILLIS,
}, async () => {
  const property = fc.asyncProperty(scenario, async (plan) => {
    const spans = spansOfAll(plan);
    const whole = await KilledServer.start();
    const cut = await KilledServer.start();
    try {
      await whole.take(spans);
      const requests = requestsOf(plan, spans);
      for (const [index, request] of requests.entries()) {
        expect(await cut.take(request)).toEqual({ rejected: 0 });
        if (plan.kills.includes(index)) await cut.kill();
      }
      const [expected, found] = [await whole.logs(), await cut.logs()];
      expect(comparable(found)).toEqual(comparable(expected));
      expect(sumsOf(cut)).toEqual(sumsOf(whole));
      expect(comparable(expected, true)).toEqual(comparable(await sentByProcessor(spans), true));
    } finally {
      await whole.close();
      await cut.close();
    }
  });
  await fc.assert(property, { numRuns: RUNS });
});

/** Sums as they stand in the list of sessions; and that they are those of the logs. */
function sumsOf(server: KilledServer): unknown {
  const sums = server.query(`SELECT sessions.reference_id, logs_count, errors_count, running_count, prompt_tokens,
      output_tokens, started_at FROM session_summaries LEFT JOIN sessions ON sessions.key = session_summaries.key
    ORDER BY sessions.reference_id`);
  const counted = server.query(`SELECT sessions.reference_id, count(logs.key) AS logs_count,
      sum(error IS NOT NULL) AS errors_count FROM sessions LEFT JOIN logs ON session_key = sessions.key
    GROUP BY sessions.key ORDER BY sessions.reference_id`);
  const short = sums.map(({ reference_id, logs_count, errors_count }) => ({ reference_id, logs_count, errors_count }));
  expect(short).toEqual(counted);
  return sums.map(({ started_at: _, ...rest }) => ({
    ...rest,
    // A sum of nothing is nothing, or 0 where something was taken out.
    prompt_tokens: rest['prompt_tokens'] ?? 0,
    output_tokens: rest['output_tokens'] ?? 0,
  }));
}

async function sentByProcessor(spans: readonly SpanSlice[]): Promise<ReadonlyMap<string, LogRequest>> {
  const endpoint = new StrictEndpoint();
  const pipeline = new Pipeline(resolveOptions({ quiet: true }, {}), { awaitsUnseenParents: false }, endpoint);
  const live = spans.map((span) => ({ ...span, ended: false }));
  for (const span of live) pipeline.start(span);
  for (const span of live.reverse()) {
    span.ended = true;
    pipeline.end(span);
  }
  await pipeline.flush(20_000);
  await pipeline.shutdown(1_000);
  expect(endpoint.breaches).toEqual([]);
  return endpoint.logs;
}
