/** Which spans are logs: decided once for an ended span, and asked again of an open one. */
import { describe, expect, it } from 'vitest';
import type { Attributes, SpanSlice } from '../../src/otel/span-slice.ts';
import { createIsLog, createSelect } from '../../src/trace/select-spans.ts';
import type { SpanNode } from '../../src/trace/span-node.ts';
import { TraceTracker } from '../../src/trace/trace-tracker.ts';
import { makeSpan } from '../conventions/span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
const HTTP = { 'http.request.method': 'POST', 'url.path': '/', 'server.port': 443 };

const select = createSelect({ conventions: undefined, include: undefined });
const isLogNode = createIsLog(select);
const newTracker = () => new TraceTracker({ holdMillis: 1_000, missingParent: 'stub', awaitsUnseenParents: false });
const namesOf = (node: SpanNode) => node.recognitions?.map(({ convention }) => convention.name);
const openSpan = (attributes: Attributes): SpanSlice => ({ ...makeSpan(attributes), ended: false });

describe('an ended span', () => {
  it('is looked through once, whether it is a log or not', () => {
    let listed = 0;
    const watched = (attributes: Attributes) =>
      new Proxy(attributes, {
        ownKeys: (target) => {
          listed++;
          return Reflect.ownKeys(target);
        },
      });
    const tracker = newTracker();
    expect(isLogNode(tracker.end(makeSpan(watched(CHAT)), 0))).toBe(true);
    expect(isLogNode(tracker.end(makeSpan(watched(HTTP), { spanId: 'c'.repeat(16) }), 0))).toBe(false);
    expect(listed).toBe(2);
  });

  it('keeps the vocabularies that recognised it until it is retired', () => {
    const tracker = newTracker();
    const node = tracker.end(makeSpan({ ...CHAT, 'mastra.span.type': 'model_generation' }), 0);
    isLogNode(node);
    expect(namesOf(node)).toEqual(['mastra', 'gen-ai']);
    tracker.retire(node);
    expect(node.recognitions).toBeUndefined();
  });

  it('is asked again if it ends once more with other attributes', () => {
    const tracker = newTracker();
    tracker.start(openSpan({}));
    isLogNode(tracker.end(makeSpan(CHAT), 0));
    const node = tracker.end(makeSpan({ ...CHAT, 'mastra.span.type': 'model_generation' }), 0);
    expect(node.recognitions).toBeUndefined();
  });
});

describe('an open span', () => {
  it('is asked each time until it is a log', () => {
    const attributes: Record<string, unknown> = {};
    const node = newTracker().start(openSpan(attributes));
    expect(isLogNode(node)).toBe(false);
    attributes['gen_ai.operation.name'] = 'chat';
    expect(isLogNode(node)).toBe(true);
    expect(node.kind).toBe('model');
  });

  it('keeps no vocabularies: it may use more of them when it has ended', () => {
    const tracker = newTracker();
    const node = tracker.start(openSpan(CHAT));
    expect(isLogNode(node)).toBe(true);
    expect(node.recognitions).toBeUndefined();
    tracker.end(makeSpan(CHAT), 0);
    isLogNode(node);
    expect(node.kind).toBe('model');
  });
});
