/** OTLP through real servers on one database, which are killed between and while requests come. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { type ServeProcess, serve } from '../../../support/postgres/serve.ts';
import { Random } from '../../../support/random.ts';
import { encode } from '../../otlp/otlp-messages.ts';

const TRACES = 12;
const SPANS = 30;

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly [field: string]: unknown;
}

/** Every third span is plumbing, so that parents are found only when all spans are there. */
function makeSpan(traceId: string, index: number): Span {
  const isCall = index % 3 !== 1;
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  return {
    ...{ traceId, spanId: idOf(index), ...(index > 0 && { parentSpanId: idOf(Math.floor((index - 1) / 2)) }) },
    ...{ name: `span ${index}`, kind: 1, startTimeUnixNano: String(1.7e18 + index * 1e6) },
    endTimeUnixNano: String(1.7e18 + index * 1e6 + 5e5),
    attributes: isCall
      ? [text('gen_ai.operation.name', index === 0 ? 'invoke_agent' : 'execute_tool'), text('gen_ai.tool.name', 'find')]
      : [text('http.request.method', 'GET')],
  };
}

const idOf = (index: number) => (index + 1).toString(16).padStart(16, 'c');

/** The reference of the nearest ancestor that is a log. */
function parentOf(traceId: string, index: number): string | null {
  for (let at = index; at > 0; ) {
    at = Math.floor((at - 1) / 2);
    if (at % 3 !== 1) return `${traceId}-${idOf(at)}`;
  }
  return null;
}

/** Sends it as an exporter does: to the next server, until it is taken. */
async function send(servers: readonly ServeProcess[], spans: readonly Span[], random: Random): Promise<void> {
  const message = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
  const isJson = random.chance(0.5);
  for (let attempt = random.between(0, 9); ; attempt += 1) {
    const response = await fetch(`${servers[attempt % servers.length]!.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' },
      body: isJson ? JSON.stringify(message) : Uint8Array.from(encode('TracesData', message)),
      signal: AbortSignal.timeout(30_000),
    }).catch(() => undefined);
    if (response?.ok) return;
    if (response) expect([502, 503, 504]).toContain(response.status);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`OTLP on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries);
    });
    afterAll(() => cluster?.stop());

    test('servers and the database are killed while spans come: each log is there once, under its parent', async () => {
      const url = await cluster.createSchema();
      const servers = await Promise.all([serve(url), serve(url), serve(url)]);
      const random = new Random(1);
      const traces = Array.from({ length: TRACES }, (_, index) => (index + 1).toString(16).padStart(32, 'd'));
      const senders = traces.map(async (traceId) => {
        const left = Array.from({ length: SPANS }, (_, index) => makeSpan(traceId, index)).sort(
          () => random.next() - 0.5,
        );
        while (left.length > 0) {
          const spans = left.splice(0, random.between(1, 4));
          await send(servers, spans, random);
          if (random.chance(0.2)) await send(servers, spans, random);
          await new Promise((resolve) => setTimeout(resolve, random.between(0, 300)));
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      servers[0]!.child.kill('SIGKILL');
      servers[0] = await serve(url);
      await cluster.kill();
      await cluster.start();
      servers[1]!.child.kill('SIGKILL');
      await Promise.all(senders);

      const { rows } = await withClient(url, (client) =>
        client.query('SELECT reference_id, parent_reference_id FROM logs ORDER BY reference_id'),
      );
      const expected = traces.flatMap((traceId) =>
        Array.from({ length: SPANS }, (_, index) => index)
          .filter((index) => index % 3 !== 1)
          .map((index) => ({
            reference_id: `${traceId}-${idOf(index)}`,
            parent_reference_id: parentOf(traceId, index),
          })),
      );
      expect(rows).toEqual(expected.sort((a, b) => (a.reference_id < b.reference_id ? -1 : 1)));
      expect(await findFaults(url)).toEqual([]);
      const sessions = await withClient(url, (client) => client.query('SELECT logs::int FROM sessions'));
      expect(sessions.rows).toEqual(traces.map(() => ({ logs: 20 })));
    });

    test('a trace whose log a client has deleted is not brought back by a repeat', async () => {
      const url = await cluster.createSchema();
      const servers = await Promise.all([serve(url), serve(url)]);
      const random = new Random(2);
      const traceId = 'e'.repeat(32);
      const spans = [0, 2, 3].map((index) => makeSpan(traceId, index));
      await send(servers, spans, random);
      const reference = `${traceId}-${idOf(2)}`;
      const found = await fetch(`${servers[0]!.baseUrl}/logs?reference_id=${reference}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      const { id } = (await found.json()) as { id: string };
      expect((await fetch(`${servers[1]!.baseUrl}/logs?id=${id}`, { method: 'DELETE' })).status).toBe(204);
      for (let round = 0; round < 3; round += 1) await send(servers, spans, random);
      const { rows } = await withClient(url, (client) => client.query('SELECT reference_id FROM logs ORDER BY 1'));
      expect(rows.map((row) => row.reference_id)).toEqual([0, 3].map((index) => `${traceId}-${idOf(index)}`));
      expect(await findFaults(url)).toEqual([]);
    });
  });
}
