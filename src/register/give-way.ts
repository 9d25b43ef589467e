/**
 * Lets an app that sets OpenTelemetry up by itself, after `register`, do so. OpenTelemetry keeps what is registered first,
 * so the app's own exporters would otherwise get nothing, without a word.
 *
 * What the app registers takes the place of what `register` has registered, and the span processor is added to the app's
 * provider. What `register` has started keeps its own provider, so that prompts reach no exporter to which the app has not
 * sent them. Packages that create spans by themselves use the app's.
 */
import { context, propagation, type TracerProvider, trace } from '@opentelemetry/api';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { say } from './announce.ts';

/** The part of OpenTelemetry's APIs that all of them have. */
export interface GlobalApi {
  disable(): void;
}

type Register = (...args: unknown[]) => unknown;

/**
 * Lets the next call of the method succeed, which OpenTelemetry would refuse. `then` is called with its first argument.
 */
export function giveWayOnce(api: GlobalApi, method: string, then?: (registered: unknown) => void): void {
  const methods = api as unknown as Record<string, Register>;
  const original = methods[method];
  if (typeof original !== 'function') return;
  methods[method] = function (this: unknown, ...args) {
    methods[method] = original;
    api.disable();
    const result = original.apply(this, args);
    then?.(args[0]);
    return result;
  };
}

export interface TakeOver {
  /** The app has a provider of its own: requests are its matter from now on. */
  readonly stopTracingRequests: () => void;
  /** That provider has another processor of this package, which sees the spans. */
  readonly stopExpectingSpans: () => void;
}

export function giveWayToApp(
  processor: HumanloopSpanProcessor,
  { stopTracingRequests, stopExpectingSpans }: TakeOver,
): void {
  giveWayOnce(context, 'setGlobalContextManager');
  giveWayOnce(propagation, 'setGlobalPropagator');
  giveWayOnce(trace, 'setGlobalTracerProvider', (provider) => {
    stopTracingRequests();
    if (hasOwnProcessor(provider as Provider)) return stopExpectingSpans();
    const isAdded = addProcessor(provider as Provider, processor);
    const what = isAdded ? 'its spans are logged too' : 'its spans are not logged: add a HumanloopSpanProcessor to it';
    say(`the app registers a tracer provider of its own, which is used from now on; ${what}`);
  });
}

/** What the providers of the SDKs have: version 1 the method, versions 2 and 3 the list, which is not in their types. */
interface Provider extends TracerProvider {
  addSpanProcessor?(processor: object): void;
  readonly _registeredSpanProcessors?: readonly object[];
  readonly _activeSpanProcessor?: { readonly _spanProcessors?: object[] };
}

export function hasOwnProcessor(provider: object): boolean {
  const { _registeredSpanProcessors, _activeSpanProcessor } = provider as Provider;
  const processors = _registeredSpanProcessors ?? _activeSpanProcessor?._spanProcessors ?? [];
  return processors.some((one) => one.constructor.name === 'HumanloopSpanProcessor');
}

function addProcessor(provider: Provider, processor: HumanloopSpanProcessor): boolean {
  try {
    if (typeof provider.addSpanProcessor === 'function') provider.addSpanProcessor(processor);
    else return (provider._activeSpanProcessor?._spanProcessors?.push(processor) ?? 0) > 0;
    return true;
  } catch {
    // A list that is frozen.
    return false;
  }
}
