/**
 * Drops spans of client libraries for calls that a framework makes, if the framework's own instrumentation reports
 * these calls. Spans of LangChain and OpenAI Agents are never active, so the client's spans would be in other traces.
 */
import {
  type Attributes,
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { Choice } from './instrumentations.ts';

/** Frames between the start of a client's span and the framework's file that calls the client. */
const STACK_DEPTH = 30;

/** Scope of the spans of packages that create them by themselves. */
const NATIVE_SCOPES = new Set(['com.anthropic.sdk.typescript']);

/** Changes the provider's `getTracer`, for the scopes of client libraries. */
export function dropNestedCalls(provider: TracerProvider, choices: readonly Choice[]): void {
  const seen = choices.filter(({ by }) => by !== undefined);
  const callerPaths = seen.flatMap(({ llm }) => llm.callerPath ?? []);
  if (callerPaths.length === 0) return;
  const scopes = new Set(seen.map(({ llm, by }) => (llm.callerPath ? undefined : by)));
  const getTracer = provider.getTracer.bind(provider);
  provider.getTracer = (name, version, options) => {
    const tracer = getTracer(name, version, options);
    return scopes.has(name) || NATIVE_SCOPES.has(name) ? new ClientTracer(tracer, callerPaths) : tracer;
  };
}

class ClientTracer implements Tracer {
  readonly #tracer: Tracer;
  readonly #callerPaths: readonly string[];

  constructor(tracer: Tracer, callerPaths: readonly string[]) {
    this.#tracer = tracer;
    this.#callerPaths = callerPaths;
  }

  startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
    if (isEmbedding(name, options.attributes) || !this.#isCalledByFramework()) {
      return this.#tracer.startSpan(name, options, parent);
    }
    return trace.wrapSpanContext(trace.getSpanContext(parent) ?? INVALID_SPAN_CONTEXT);
  }

  startActiveSpan<Result>(name: string, ...rest: unknown[]): Result {
    const run = rest.pop() as (span: Span) => Result;
    const [options = {}, parent = context.active()] = rest as [SpanOptions?, Context?];
    const span = this.startSpan(name, options, parent);
    return context.with(trace.setSpan(parent, span), () => run(span));
  }

  #isCalledByFramework(): boolean {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK_DEPTH;
    const stack = new Error().stack?.replaceAll('\\', '/') ?? '';
    Error.stackTraceLimit = limit;
    return this.#callerPaths.some((path) => stack.includes(path));
  }
}

/** LangChain's callbacks do not report embeddings. */
function isEmbedding(name: string, attributes: Attributes = {}): boolean {
  return /embed/i.test(`${name} ${attributes['openinference.span.kind']} ${attributes['gen_ai.operation.name']}`);
}
