/** The context manager of `register`, as OpenTelemetry's API and apps use it. */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { AsyncContextManager } from '../../src/register/context-manager.ts';

const KEY = createContextKey('test');
const contextOf = (value: string) => ROOT_CONTEXT.setValue(KEY, value);
const manager = new AsyncContextManager();
const active = () => manager.active().getValue(KEY);

test('a context lasts for its callback and what that awaits', async () => {
  expect(active()).toBeUndefined();
  const seen = manager.with(contextOf('outer'), async () => {
    await sleep(1);
    manager.with(contextOf('inner'), () => expect(active()).toBe('inner'));
    return active();
  });
  expect(active()).toBeUndefined();
  expect(await seen).toBe('outer');
});

test('this and arguments are passed on', () => {
  const result = manager.with(
    contextOf('a'),
    function (this: unknown, ...args: unknown[]) {
      return [this, ...args];
    } as never,
    'this' as never,
    ...([1, 2] as never),
  );
  expect(result).toEqual(['this', 1, 2]);
});

test('a bound function runs in its context, wherever it is called', () => {
  const bound = manager.bind(contextOf('bound'), (a: number, b: number) => `${active()} ${a + b}`);
  expect(manager.with(contextOf('other'), () => bound(1, 2))).toBe('bound 3');
  expect(bound).toHaveLength(2);
  expect(manager.bind(contextOf('a'), 5)).toBe(5);
});

test('listeners of a bound emitter run in its context, and can be removed', () => {
  const emitter = manager.bind(contextOf('emitter'), new EventEmitter());
  const seen: unknown[] = [];
  const listener = () => seen.push(active());
  emitter.on('event', listener);
  emitter.once('event', listener);
  emitter.emit('event');
  emitter.emit('event');
  emitter.off('event', listener);
  emitter.emit('event');
  expect(seen).toEqual(['emitter', 'emitter', 'emitter']);
  expect(emitter.listenerCount('event')).toBe(0);
});

test('a context that is entered lasts for the rest of the turn and what starts in it', async () => {
  const seen = await new Promise((resolve) => {
    setImmediate(() => {
      manager.enter(contextOf('entered'));
      void sleep(1).then(() => resolve(active()));
    });
  });
  expect(seen).toBe('entered');
  expect(active()).toBeUndefined();
});
