/**
 * Keeps OpenTelemetry's context along asynchronous calls. It is here so that `register` needs no package but an SDK, and
 * can put a request's context around an app's handler, which no public method of the SDK's manager does.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';

type Listen = (event: string | symbol, listener: (...args: unknown[]) => void) => EventEmitter;
const LISTEN = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const;

export class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  #isDisabled = false;

  /** OpenTelemetry has disabled it, as it does when another manager takes its place. */
  get isDisabled(): boolean {
    return this.#isDisabled;
  }

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<Args extends unknown[], Callback extends (...args: Args) => ReturnType<Callback>>(
    context: Context,
    callback: Callback,
    thisArg?: ThisParameterType<Callback>,
    ...args: Args
  ): ReturnType<Callback> {
    return this.#storage.run(context, () => callback.call(thisArg, ...args));
  }

  /** Makes the context active for the rest of this turn and for what starts in it. */
  enter(context: Context): void {
    this.#storage.enterWith(context);
  }

  /** Returns a function that runs in the context; of an emitter, binds the listeners that are added from now on. */
  bind<Target>(context: Context, target: Target): Target {
    if (typeof target === 'function') {
      const manager = this;
      const bound = function (this: unknown, ...args: unknown[]) {
        return manager.with(context, () => target.apply(this, args));
      };
      Object.defineProperty(bound, 'length', { configurable: true, value: target.length });
      return bound as Target;
    }
    if (target instanceof EventEmitter) this.#bindListeners(context, target);
    return target;
  }

  enable(): this {
    this.#isDisabled = false;
    return this;
  }

  disable(): this {
    this.#isDisabled = true;
    this.#storage.disable();
    return this;
  }

  #bindListeners(context: Context, emitter: EventEmitter): void {
    for (const method of LISTEN) {
      const listen = emitter[method].bind(emitter) as Listen;
      const bound: Listen = (event, listener) => {
        const inContext = Object.assign(this.bind(context, listener), { listener });
        return listen(event, inContext);
      };
      Object.defineProperty(emitter, method, { configurable: true, writable: true, value: bound });
    }
  }
}
