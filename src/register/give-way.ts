/**
 * Lets an app that sets OpenTelemetry up by itself, after `register`, do so. OpenTelemetry keeps what is registered first,
 * so the app's own exporters would otherwise get nothing, without a word.
 *
 * What the app registers takes the place of what `register` has registered, and the span processor is added to the app's
 * provider, or joined to one of this package that the provider has. What `register` has started keeps its own provider, so
 * that prompts reach no exporter to which the app has not sent them. Packages that create spans by themselves use the
 * app's.
 */
import { context, propagation, type TracerProvider, trace } from '@opentelemetry/api';
import type { ResolvedOptions } from '../options.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { Deadline } from '../scheduling/deadline.ts';
import { attempt, say } from './announce.ts';
import { passOnTo } from './app-processor.ts';

/** The part of OpenTelemetry's APIs that all of them have. */
export interface GlobalApi {
  disable(): void;
}

/** Of the SDKs' providers. */
const DEFAULT_FLUSH_MILLIS = 30_000;

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
    attempt(() => then?.(args[0]), "the app's OpenTelemetry is not joined");
    return result;
  };
}

export interface TakeOver {
  /** The app has registered a provider of its own: requests and sampling are its matter from now on. */
  readonly onProvider: (provider: TracerProvider) => void;
  /** That provider has another processor of this package, which sees the spans. */
  readonly stopExpectingSpans: () => void;
  readonly limits: Limits;
}

type Limits = Pick<ResolvedOptions, 'exitTimeoutMillis' | 'flushTimeoutMillis'>;

export function giveWayToApp(
  processor: HumanloopSpanProcessor,
  { onProvider, stopExpectingSpans, limits }: TakeOver,
): void {
  giveWayOnce(context, 'setGlobalContextManager');
  giveWayOnce(propagation, 'setGlobalPropagator');
  giveWayOnce(trace, 'setGlobalTracerProvider', (provider) => {
    onProvider(provider as TracerProvider);
    const own = findOwnProcessor(provider as Provider);
    if (own) {
      stopExpectingSpans();
      return passOnTo(own, processor);
    }
    const isAdded = addProcessor(provider as Provider, withoutEnd(processor, provider as Provider, limits));
    const what = isAdded ? 'its spans are logged too' : 'its spans are not logged: add a HumanloopSpanProcessor to it';
    say(`the app registers a tracer provider of its own, which is used from now on; ${what}`);
  });
}

/** What the providers of the SDKs have: version 1 the method, versions 2 and 3 the list, which is not in their types. */
interface Provider extends TracerProvider {
  addSpanProcessor?(processor: object): void;
  readonly _registeredSpanProcessors?: readonly object[];
  readonly _activeSpanProcessor?: { readonly _spanProcessors?: object[] };
  readonly _forceFlushTimeoutMillis?: number;
  readonly _config?: { readonly forceFlushTimeoutMillis?: number };
}

/** Returns the provider's processor of this package, which may be of the package's other half. */
export function findOwnProcessor(provider: object): HumanloopSpanProcessor | undefined {
  const { _registeredSpanProcessors, _activeSpanProcessor } = provider as Provider;
  const processors = _registeredSpanProcessors ?? _activeSpanProcessor?._spanProcessors ?? [];
  return processors.find((one) => one.constructor.name === 'HumanloopSpanProcessor') as
    | HumanloopSpanProcessor
    | undefined;
}

/**
 * What the app's provider gets. An app may shut its provider down and go on, with the requests that it still has; what
 * `register` has started still needs the processor then.
 */
function withoutEnd(processor: HumanloopSpanProcessor, provider: Provider, limits: Limits): object {
  return {
    onStart: (...args: Parameters<HumanloopSpanProcessor['onStart']>) => processor.onStart(...args),
    onEnd: (span: SpanSlice) => processor.onEnd(span),
    // Where one processor rejects, the provider does, and what the app sends after its flush would not be sent.
    forceFlush: () => processor.forceFlush({ timeoutMillis: flushLimitOf(provider) }).catch(() => undefined),
    shutdown: () => flushWhileSent(processor, limits),
  };
}

/** Less than the provider allows, which rejects then. */
function flushLimitOf({ _forceFlushTimeoutMillis, _config }: Provider): number {
  return 0.8 * (_forceFlushTimeoutMillis ?? _config?.forceFlushTimeoutMillis ?? DEFAULT_FLUSH_MILLIS);
}

/** As a processor's own end, this never rejects, and does not wait to the last for a server that is silent. */
async function flushWhileSent(
  processor: HumanloopSpanProcessor,
  { exitTimeoutMillis, flushTimeoutMillis }: Limits,
): Promise<void> {
  const deadline = new Deadline(flushTimeoutMillis);
  const countSent = () => processor.stats().logged + processor.stats().updated;
  let isSent = false;
  let before = -1;
  while (!isSent && countSent() > before && deadline.leftMillis > 0) {
    before = countSent();
    const timeoutMillis = Math.min(exitTimeoutMillis, deadline.leftMillis);
    isSent = await processor.forceFlush({ timeoutMillis }).then(
      () => true,
      () => false,
    );
  }
}

function addProcessor(provider: Provider, processor: object): boolean {
  try {
    if (typeof provider.addSpanProcessor === 'function') provider.addSpanProcessor(processor);
    else return (provider._activeSpanProcessor?._spanProcessors?.push(processor) ?? 0) > 0;
    return true;
  } catch {
    // A list that is frozen.
    return false;
  }
}
