/** The memory of the last calls: what is found in it, and that it ends. */
import { expect, it } from 'vitest';
import { elsewhereEntry, rememberedEntry } from '../../../src/delivery/ledger/earlier-logs.ts';
import { createNode } from '../../../src/trace/create-node.ts';
import type { CallFacts } from '../../../src/trace/same-call/call-facts.ts';
import { RecentCalls } from '../../../src/trace/same-call/recent-calls.ts';
import { createTrace } from '../../../src/trace/span-node.ts';

const AT_LEAST_REMEMBERED = 1_000;
const AT_MOST_REMEMBERED = 2_000;

function factsOf(callId: string, scope: string, startMillis = 1_000): CallFacts {
  const unsaid = { question: undefined, answer: undefined, outputTokens: undefined };
  const says = { hasUsage: false, hasAnswer: false, hasError: false, score: 0 };
  return { callId, model: 'm', scope, startMillis, endMillis: startMillis + 1, ...unsaid, ...says };
}

function createCalls(): RecentCalls {
  return new RecentCalls(({ spanId }) => ({ entry: elsewhereEntry(`log of ${spanId}`) }));
}

function add(calls: RecentCalls, facts: CallFacts, otherScopes?: readonly string[]): void {
  const node = createNode(createTrace('t'), `span of ${facts.callId}`, 'retired', undefined);
  node.entry = elsewhereEntry(`log of ${node.spanId}`);
  calls.add(facts, node, otherScopes);
}

it('finds each of the last calls by its id, and forgets earlier ones', () => {
  const calls = createCalls();
  for (let count = 1; count <= 5_000; count++) {
    add(calls, factsOf(`call ${count}`, 'first'));
    const isFound = (number: number) => calls.find(factsOf(`call ${number}`, 'second')) !== undefined;
    expect(isFound(count)).toBe(true);
    if (count >= AT_LEAST_REMEMBERED) expect(isFound(count - AT_LEAST_REMEMBERED + 1)).toBe(true);
    if (count > AT_MOST_REMEMBERED) expect(isFound(count - AT_MOST_REMEMBERED)).toBe(false);
  }
});

it('finds the oldest of several calls with one id, and none that the instrumentation itself has reported', () => {
  const calls = createCalls();
  for (let count = 0; count < AT_LEAST_REMEMBERED - 1; count++) add(calls, factsOf(`call ${count}`, 'first'));
  add(calls, factsOf('id', 'first'), ['second']);
  add(calls, factsOf('id', 'second'));
  add(calls, factsOf('id', 'third'));
  const scopeFor = (scope: string) => calls.find(factsOf('id', scope))?.call.facts.scope;
  expect(['first', 'second', 'third', 'fourth'].map(scopeFor)).toEqual(['second', 'third', 'first', 'first']);
});

it('finds a call once its log is written, unless that was dropped since', () => {
  let entry = rememberedEntry('log', undefined, [], 'delivered');
  const calls = new RecentCalls(() => ({ entry }));
  const node = createNode(createTrace('trace'), 'span', 'due', undefined);
  const find = () => calls.find(factsOf('id', 'second'));
  calls.add(factsOf('id', 'first'), node);
  expect(find()).toBeUndefined();
  node.entry = entry;
  expect(find()).toMatchObject({ entry, call: { traceId: 'trace', spanId: 'span' } });
  entry = rememberedEntry('log', undefined, [], 'dropped');
  expect(find()).toBeUndefined();
});
