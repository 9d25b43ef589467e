/** What a request has come with is let go while the store still writes what was read of it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import type { RouteRequest } from '../../../src/server/http/route.ts';
import { createOtlpRoutes } from '../../../src/server/otlp/routes.ts';
import { encode } from './otlp-messages.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const SPAN = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'x' };
const BODY = { resourceSpans: [{ scopeSpans: [{ spans: [SPAN] }] }] };
const TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };

/** Keeps nothing, and answers when it is told to. */
class SlowStore {
  readonly kept: WeakRef<object>[] = [];
  #answer = (_: { rejected: number }): void => {};
  readonly #stored = new Promise<{ rejected: number }>((resolve) => {
    this.#answer = resolve;
  });

  takeSpans(spans: readonly object[]): Promise<{ rejected: number }> {
    this.kept.push(new WeakRef(spans), ...spans.map((span) => new WeakRef(span)));
    return this.#stored;
  }

  answer(): void {
    this.#answer({ rejected: 0 });
  }
}

function post(store: SlowStore, bytes: Buffer, type: string): Promise<unknown> {
  store.kept.push(new WeakRef(bytes));
  const intake = { takeSpans: (spans: readonly object[]) => store.takeSpans(spans), takeEvents: () => expect.fail() };
  const routes = createOtlpRoutes(intake, { maxBodyBytes: 1_000_000 });
  return routes['/v1/traces']!.POST!.run({ body: bytes, headers: { 'content-type': type } } as unknown as RouteRequest);
}

test.each([
  ['protobuf', () => encode('TracesData', BODY), TYPES.protobuf],
  ['JSON', () => Buffer.from(JSON.stringify(BODY)), TYPES.json],
  ['JSON that goes the long way', () => Buffer.from(JSON.stringify({ schema_url: '', ...BODY })), TYPES.json],
])('%s', async (_, make, type) => {
  const store = new SlowStore();
  const answered = post(store, make(), type);
  await vi.waitFor(() => expect(store.kept).toHaveLength(3));
  // What this turn has looked at is kept until its end.
  await new Promise(setImmediate);
  collect();
  expect(store.kept.map((reference) => reference.deref())).toEqual([undefined, undefined, undefined]);
  store.answer();
  expect(await answered).toMatchObject({ status: 200 });
});
