/** The member of `tracestate`: what is read from outside, and that what is written is within the bounds of W3C. */
import { createTraceState, type TraceState } from '@opentelemetry/api';
import { TraceState as SdkTraceState } from '@opentelemetry/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAncestor, writeAncestor } from '../../src/otel/ancestor-member.ts';

const SPAN_ID = '00f067aa0ba902b7';

test.each([
  [`humanloop=${SPAN_ID}`, SPAN_ID],
  [`vendor=1,humanloop=${SPAN_ID},other=2`, SPAN_ID],
  ['vendor=1', undefined],
  ['humanloop=', undefined],
  [`humanloop=${'0'.repeat(16)}`, undefined],
  [`humanloop=${SPAN_ID.toUpperCase()}`, undefined],
  [`humanloop=${SPAN_ID}0`, undefined],
  [`humanloop=${SPAN_ID.slice(1)}`, undefined],
  [`humanloop=${SPAN_ID};x`, undefined],
  ['humanloop=../../etc/passwd', undefined],
  [`humanloop@x=${SPAN_ID}`, undefined],
])('%s', (header, expected) => {
  for (const traceState of [createTraceState(header), new SdkTraceState(header)]) {
    expect(readAncestor(traceState)).toBe(expected);
  }
});

test('what an app puts in the place of a trace state is not believed', () => {
  for (const value of [42, null, { toString: () => SPAN_ID }, [SPAN_ID]]) {
    expect(readAncestor({ get: () => value } as unknown as TraceState)).toBeUndefined();
  }
  const failing = {
    get: () => {
      throw new Error('of the app');
    },
  };
  for (const broken of [{}, failing, 'text']) expect(readAncestor(broken as unknown as TraceState)).toBeUndefined();
  expect(readAncestor(undefined)).toBeUndefined();
});

test('the member comes first and replaces an earlier one, and all others are kept', () => {
  const traceState = createTraceState(`vendor=1,humanloop=${'a'.repeat(16)},other=2`);
  expect(writeAncestor(SPAN_ID, traceState)).toBe(`humanloop=${SPAN_ID},vendor=1,other=2`);
  expect(writeAncestor(SPAN_ID, undefined)).toBe(`humanloop=${SPAN_ID}`);
});

test('where there is no room, long members are left out first, then the last ones', () => {
  const header = [
    `long=${'x'.repeat(200)}`,
    `a=${'x'.repeat(120)}`,
    `b=${'x'.repeat(120)}`,
    `c=${'x'.repeat(40)}`,
  ].join();
  const written = writeAncestor(SPAN_ID, createTraceState(header));
  expect(written.split(',').map((member) => member.split('=')[0])).toEqual(['humanloop', 'a', 'b', 'c']);
});

test('whatever came, what is written is within 32 members and 512 characters, and can be read', () => {
  const member = fc.tuple(fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/), fc.stringMatching(/^[!-+\--<>-~]{1,250}$/));
  fc.assert(
    fc.property(fc.array(member, { maxLength: 60 }), fc.stringMatching(/^[1-9a-f]{16}$/), (members, spanId) => {
      const text = members.map((pair) => pair.join('=')).join(',');
      const all = { get: () => undefined, serialize: () => text } as unknown as TraceState;
      for (const traceState of [all, createTraceState(text), new SdkTraceState(text)]) {
        const written = writeAncestor(spanId, traceState);
        expect(written.length).toBeLessThanOrEqual(512);
        expect(written.split(',').length).toBeLessThanOrEqual(32);
        expect(readAncestor(createTraceState(written))).toBe(spanId);
        expect(readAncestor(new SdkTraceState(written))).toBe(spanId);
      }
    }),
  );
});
