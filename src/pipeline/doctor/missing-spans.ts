/**
 * Warns if no span can come, which no span can show: when the app sends a request, and at the end of the process.
 */
import { type TracerProvider, trace } from '@opentelemetry/api';
import { warnAloud } from '../../host/stderr.ts';
import { findApiConflict } from './api-copies.ts';
import { registeredProvider } from './span-limits.ts';

/** By then an app has set its tracing up. */
const PATIENCE_MILLIS = 2_000;
/** What Node publishes for requests of `fetch` and of `node:http`. */
const REQUESTS = ['undici:request:create', 'http.client.request.start'];

const SHARED = Symbol.for('humanloop-otel spans');

/** One for all copies of the package in this process: another one may have got the spans. */
let shared = { hasSpan: false };
let stopWatching: (() => void) | undefined;

/**
 * Call this when a processor or an exporter is created. No timer is started: a request that the app sends, perhaps to a
 * model, is the occasion to ask why it has no span.
 */
export function expectSpans(isQuiet: boolean): void {
  // Not with the first span: the app may have locked the global object by then.
  shared = (globalThis as { [SHARED]?: typeof shared })[SHARED] ??= shared;
  const { process } = globalThis;
  const channels = process?.getBuiltinModule?.('node:diagnostics_channel');
  if (stopWatching || !channels) return;
  const startedAtMillis = performance.now();
  const onRequest = () => {
    if (performance.now() - startedAtMillis < PATIENCE_MILLIS) return;
    stopWatching?.();
    examine(isQuiet);
  };
  stopWatching = () => {
    for (const name of REQUESTS) channels.unsubscribe(name, onRequest);
  };
  for (const name of REQUESTS) channels.subscribe(name, onRequest);
  process.once('exit', () => examine(isQuiet));
}

/** Call this when a span has come, whatever it is. */
export function sawSpan(): void {
  if (shared.hasSpan) return;
  shared.hasSpan = true;
  stopWatching?.();
}

function examine(isQuiet: boolean): void {
  try {
    const fault = findApiConflict() ?? (shared.hasSpan ? undefined : findFault());
    if (fault) warnAloud('no spans', fault, isQuiet);
  } catch {
    // An SDK that is different from all known ones is not examined.
  }
}

function findFault(): string | undefined {
  const provider = registeredProvider();
  if (!provider) {
    return (
      'no span has come, and no tracer provider is registered: call register() of your NodeTracerProvider, start() of ' +
      'your NodeSDK, or trace.setGlobalTracerProvider(), before the app runs'
    );
  }
  const sampler = describeSampler(provider as TracerProvider);
  return sampler && `no span has come, since the tracer provider samples none (${sampler}): ${remedyFor(sampler)}`;
}

interface Sampler {
  toString(): string;
  /** Sentry's. */
  readonly _client?: { getOptions?(): { tracesSampleRate?: unknown; tracesSampler?: unknown } };
}

/** Returns the description of a sampler that certainly samples nothing at the root of a trace. */
function describeSampler(provider: TracerProvider): string | undefined {
  const { _sampler: sampler } = provider.getTracer('humanloop-otel') as { _sampler?: Sampler };
  if (!sampler) return undefined;
  const text = String(sampler);
  const options = sampler._client?.getOptions?.();
  if (options && !options.tracesSampleRate && !options.tracesSampler) return 'SentrySampler';
  return /^(ParentBased\{root=)?(AlwaysOffSampler|TraceIdRatioBased\{0\})/.test(text) ? text.slice(0, 80) : undefined;
}

function remedyFor(sampler: string): string {
  if (sampler === 'SentrySampler') return 'set tracesSampleRate of Sentry.init()';
  const { OTEL_TRACES_SAMPLER: variable } = globalThis.process?.env ?? {};
  return variable ? 'unset OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG' : 'set another sampler';
}

/** Returns a warning about the sampler for a span that is not sampled but was recorded, so that it came nevertheless. */
export function explainUnsampled(name: string): string {
  const { _sampler: sampler } = trace.getTracer('humanloop-otel') as { _sampler?: Sampler };
  const by = sampler ? ` by ${String(sampler).slice(0, 80)}` : '';
  return `the span '${name}' of a model call is not sampled${by}, so that it is no log: sample all spans of LLMs`;
}
