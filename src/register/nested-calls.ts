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
import { LLM_PACKAGES } from './catalog.ts';
import type { Choice } from './instrumentations.ts';

/** Frames between the start of a client's span and the file that calls the client. */
const STACK_DEPTH = 30;
/** Frames that are not the caller: instrumentations, Node, and the client itself. */
const INSTRUMENTATIONS = ['/node_modules/@opentelemetry/', '/node_modules/@arizeai/', '/node_modules/@traceloop/'];
const CLIENTS = LLM_PACKAGES.filter(({ callerPath }) => !callerPath).map(({ name }) => `/node_modules/${name}/`);
const BETWEEN = [...INSTRUMENTATIONS, ...CLIENTS, 'node:', '<anonymous>)'];

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
    return this.#start(name, options, parent, this.startSpan);
  }

  startActiveSpan<Result>(name: string, ...rest: unknown[]): Result {
    const run = rest.pop() as (span: Span) => Result;
    const [options = {}, parent = context.active()] = rest as [SpanOptions?, Context?];
    const span = this.#start(name, options, parent, this.startActiveSpan);
    return context.with(trace.setSpan(parent, span), () => run(span));
  }

  #start(name: string, options: SpanOptions, parent: Context, called: object): Span {
    if (isEmbedding(name, options.attributes) || !this.#isCalledByFramework(called)) {
      return this.#tracer.startSpan(name, options, parent);
    }
    return trace.wrapSpanContext(trace.getSpanContext(parent) ?? INVALID_SPAN_CONTEXT);
  }

  /** A tool of the app that a framework runs calls the client itself, so only the nearest caller counts. */
  #isCalledByFramework(called: object): boolean {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK_DEPTH;
    const trace: { stack?: string } = {};
    Error.captureStackTrace(trace, called as () => void);
    Error.stackTraceLimit = limit;
    const [, ...frames] = (trace.stack ?? '').replaceAll('\\', '/').split('\n');
    const caller = frames.find((frame) => !BETWEEN.some((path) => frame.includes(path)));
    return caller !== undefined && this.#callerPaths.some((path) => caller.includes(path));
  }
}

/** LangChain's callbacks do not report embeddings. */
function isEmbedding(name: string, attributes: Attributes = {}): boolean {
  return /embed/i.test(`${name} ${attributes['openinference.span.kind']} ${attributes['gen_ai.operation.name']}`);
}
