/** What these apps share: the real SDK, diagnostics of every level on standard output, functions that fail. */
import { DiagLogLevel, diag, type Tracer } from '@opentelemetry/api';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';

const print = (...words: unknown[]) => console.log('diag', ...words.map(String));
diag.setLogger({ error: print, warn: print, info: print, debug: print, verbose: print }, DiagLogLevel.ALL);

export const CHAT = { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' } };

export function startTracing(...spanProcessors: SpanProcessor[]): Tracer {
  return new BasicTracerProvider({ spanProcessors }).getTracer('app');
}

export function fail(): never {
  throw new Error('a hook of the user');
}
