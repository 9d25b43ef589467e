/**
 * Lets tracers follow to the provider that the app registers later. NodeSDK gives its instrumentations their tracers
 * before it registers its provider; these would stay with `register`, and the app's exporters would get nothing of them.
 */
import type { Span, Tracer, TracerProvider } from '@opentelemetry/api';

/** Scopes of this package and of the AI SDK, for which `register` asks itself. */
const KEPT = ['humanloop-otel', 'ai'];

/**
 * Changes the provider's `getTracer` for all that is asked for from now on, but for the scopes that are kept. Returns a
 * function that makes the tracers follow.
 */
export function letTracersFollow(
  provider: TracerProvider,
  keptScopes: readonly (string | undefined)[],
): (to: TracerProvider) => void {
  const kept = new Set([...KEPT, ...keptScopes]);
  let next: TracerProvider | undefined;
  const getTracer = provider.getTracer.bind(provider);
  provider.getTracer = (...scope) => {
    const tracer = getTracer(...scope);
    return next || kept.has(scope[0]) ? tracer : new FollowingTracer(tracer, () => next?.getTracer(...scope));
  };
  return (to) => {
    next = to;
  };
}

class FollowingTracer implements Tracer {
  readonly #first: Tracer;
  readonly #findNext: () => Tracer | undefined;
  #next: Tracer | undefined;

  constructor(first: Tracer, findNext: () => Tracer | undefined) {
    this.#first = first;
    this.#findNext = findNext;
  }

  startSpan(...args: Parameters<Tracer['startSpan']>): Span {
    return this.#current().startSpan(...args);
  }

  startActiveSpan<Result>(...args: unknown[]): Result {
    const tracer = this.#current();
    return Reflect.apply(tracer.startActiveSpan, tracer, args);
  }

  #current(): Tracer {
    this.#next ??= this.#findNext();
    return this.#next ?? this.#first;
  }
}
