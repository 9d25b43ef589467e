/** The mapping alone: a datapoint depends on span, context and flags, and on nothing else. */
import { describe, expect, it } from 'vitest';
import type { TraceContext } from '../../src/conventions/context.ts';
import { resolveOptions } from '../../src/options.ts';
import { createMapLog, type MapFlags, type SpanLog } from '../../src/pipeline/map-log.ts';
import { logRequest } from '../../src/wire/v4.ts';
import { makeSpan } from '../conventions/span.ts';

const CONTEXT: TraceContext = Object.freeze({ session: 'session', user: 'user of the trace', tags: ['tag'] });
const NOW_MILLIS = Date.parse('2026-01-02T03:04:05.678Z');
const FLAGS: MapFlags = Object.freeze({ withContent: true, isClosing: false, nowMillis: NOW_MILLIS });
const RESOURCE = { attributes: { 'service.name': 'from the resource' } };

function logOf(more: Partial<SpanLog> = {}, attributes = {}): SpanLog {
  return Object.freeze({
    referenceId: 'trace-span',
    parentReferenceId: 'trace-parent',
    span: { ...makeSpan(attributes), resource: RESOURCE },
    kind: 'model',
    reading: Object.freeze({ model: 'gpt-4o', output: 'the answer' }),
    namesContext: true,
    isOpen: false,
    ...more,
  });
}

const mapper = (options = {}, env = {}) => createMapLog(resolveOptions(options, env));

it('returns the same for the same arguments, and does not change them', () => {
  const map = mapper();
  const log = logOf();
  expect(map(log, CONTEXT, FLAGS)).toEqual(map(log, CONTEXT, FLAGS));
  expect(logRequest.parse(map(log, CONTEXT, FLAGS))).toMatchObject({
    reference_id: 'trace-span',
    parent_reference_id: 'trace-parent',
    session_reference_id: 'session',
    output: 'the answer',
    metadata: { user: 'user of the trace', tags: ['tag'] },
  });
});

describe('the project', () => {
  it('is the option, else what the function returns, else the service, else the variable, else the app', () => {
    const project = (options: object, log = logOf()) => mapper(options)(log, CONTEXT, FLAGS).project;
    expect(project({ project: 'fixed' })).toBe('fixed');
    expect(project({ project: () => 'chosen' })).toBe('chosen');
    expect(project({ project: () => '' })).toBe('from the resource');
    expect(
      project({
        project: () => {
          throw new Error('of the app');
        },
      }),
    ).toBe('from the resource');
    expect(project({})).toBe('from the resource');
    for (const name of [undefined, '', 'unknown_service:node', 'unknown_service:/usr/local/bin/node']) {
      const span = { ...makeSpan({}), resource: { attributes: { 'service.name': name } } };
      const named = mapper({}, { OTEL_SERVICE_NAME: 'of the variable' });
      expect(named(logOf({ span }), CONTEXT, FLAGS).project).toBe('of the variable');
      // Vitest is an installed program, so the package is that of the working directory.
      expect(project({}, logOf({ span }))).toBe('humanloop-otel');
    }
  });

  it("of a stub is that of a neighbour, since the parent's own span is missing", () => {
    const stub = { referenceId: 'trace-parent', span: undefined, neighbour: logOf().span };
    expect(mapper()(stub, CONTEXT, FLAGS).project).toBe('from the resource');
  });
});

it('takes the user of the span itself before that of the trace', () => {
  const named = mapper()(logOf({}, { 'user.id': 'own user' }), CONTEXT, FLAGS);
  expect(named.metadata).toMatchObject({ user: 'own user', tags: ['tag'] });
});

it('leaves out content if an option or a flag says so', () => {
  for (const datapoint of [
    mapper({ captureContent: false })(logOf(), CONTEXT, FLAGS),
    mapper()(logOf(), CONTEXT, { ...FLAGS, withContent: false }),
  ]) {
    expect(datapoint).not.toHaveProperty('output');
    expect(JSON.stringify(datapoint)).not.toContain('the answer');
  }
});

describe('at shutdown', () => {
  const closing = { ...FLAGS, isClosing: true };

  it('an open span is closed with an error, and with its duration until then', () => {
    const span = { ...makeSpan({}), startTime: [NOW_MILLIS / 1000 - 2.5, 0] as const, ended: false };
    const { error, duration } = mapper()(logOf({ isOpen: true, span }), CONTEXT, closing);
    expect(error).toBe('span did not end before shutdown');
    expect(duration).toBeCloseTo(2.5, 2);
  });

  it('an error of the open span is kept', () => {
    const reading = { error: { message: 'its own' } };
    expect(mapper()(logOf({ isOpen: true, reading }), CONTEXT, closing).error).toBe('its own');
  });

  it('a span that has ended stays as it is', () => {
    expect(mapper()(logOf(), CONTEXT, closing)).toEqual(mapper()(logOf(), CONTEXT, FLAGS));
  });
});

describe('a stub', () => {
  const stub = Object.freeze({ referenceId: 'trace-parent', span: undefined, neighbour: undefined });

  it('is valid, marked, and in the session of its trace', () => {
    const datapoint = mapper({ environment: 'test' })(stub, CONTEXT, FLAGS);
    expect(logRequest.parse(datapoint)).toMatchObject({
      reference_id: 'trace-parent',
      session_reference_id: 'session',
      environment: 'test',
      created_at: '2026-01-02T03:04:05.678Z',
      metadata: { stub: true },
    });
    expect(datapoint).not.toHaveProperty('error');
  });

  it('is closed with an error at shutdown', () => {
    expect(mapper()(stub, CONTEXT, { ...FLAGS, isClosing: true }).error).toBe('span did not end before shutdown');
  });
});
