/**
 * Takes the log events of instrumentations without an SDK for logs: some put prompts and answers into them. Nothing
 * else is done with the events. A logger provider that the app has registered stays.
 */
import { type Context, context, trace } from '@opentelemetry/api';
import type { Attributes, HrTime } from '../otel/span-slice.ts';
import { HumanloopLogRecordProcessor } from '../processors/log-record-processor.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { findFrom } from './app.ts';
import type { Choice } from './instrumentations.ts';

const LOGS_API = '@opentelemetry/api-logs';

/** The part of a log record of `@opentelemetry/api-logs` that is read. */
interface EmittedRecord {
  readonly eventName?: string;
  readonly attributes?: Attributes;
  readonly body?: unknown;
  readonly context?: Context;
}

interface LogsApi {
  setGlobalLoggerProvider?(provider: object): unknown;
}

/** Any copy of `@opentelemetry/api-logs` will do, since all copies share one provider. */
export function takeLogEvents(choices: readonly Choice[], processor: HumanloopSpanProcessor): void {
  const api = choices.map(({ chosen }) => chosen && findFrom(chosen.installed.require, LOGS_API)).find(Boolean);
  const logProcessor = new HumanloopLogRecordProcessor(processor);
  const logger = {
    emit({ eventName, attributes, body, context: given }: EmittedRecord): void {
      const spanContext = trace.getSpanContext(given ?? context.active());
      logProcessor.onEmit({ spanContext, eventName, attributes, body, hrTime: now() });
    },
    enabled: () => true,
  };
  const { logs } = (api?.load() ?? {}) as { logs?: LogsApi };
  logs?.setGlobalLoggerProvider?.({ getLogger: () => logger });
}

function now(): HrTime {
  const millis = Date.now();
  return [Math.trunc(millis / 1000), (millis % 1000) * 1e6];
}
