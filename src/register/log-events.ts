/**
 * Takes the log events of instrumentations without an SDK for logs: some put prompts and answers into them. Nothing
 * else is done with the events. A logger provider that the app registers, before or after, gets those of the app.
 */
import { type Context, context, trace } from '@opentelemetry/api';
import type { Attributes, HrTime } from '../otel/span-slice.ts';
import { HumanloopLogRecordProcessor } from '../processors/log-record-processor.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { type App, findFrom, type InstalledPackage } from './app.ts';
import { type GlobalApi, giveWayOnce } from './give-way.ts';
import type { Choice } from './instrumentations.ts';

const LOGS_API = '@opentelemetry/api-logs';

/** The part of a log record of `@opentelemetry/api-logs` that is read. */
interface EmittedRecord {
  readonly eventName?: string;
  readonly attributes?: Attributes;
  readonly body?: unknown;
  readonly context?: Context;
}

interface LogsApi extends GlobalApi {
  setGlobalLoggerProvider?(provider: object): unknown;
}

/** Any copy of `@opentelemetry/api-logs` will do, since all copies share one provider. */
export function takeLogEvents(app: App, choices: readonly Choice[], processor: HumanloopSpanProcessor): void {
  const copies = choices.flatMap(({ chosen }) => (chosen && findFrom(chosen.installed.require, LOGS_API)) ?? []);
  const logProcessor = new HumanloopLogRecordProcessor(processor);
  const logger = {
    emit({ eventName, attributes, body, context: given }: EmittedRecord): void {
      const spanContext = trace.getSpanContext(given ?? context.active());
      logProcessor.onEmit({ spanContext, eventName, attributes, body, hrTime: now() });
    },
    enabled: () => true,
  };
  const apis = [...copies, ...copiesOfApp(app)].map((copy) => (copy.load() as { logs?: LogsApi }).logs);
  if (copies.length > 0) apis[0]?.setGlobalLoggerProvider?.({ getLogger: () => logger });
  for (const logs of new Set(apis)) if (logs) giveWayOnce(logs, 'setGlobalLoggerProvider');
}

/** The copies with which an app may register a logger provider later. */
function copiesOfApp(app: App): InstalledPackage[] {
  const users = ['@opentelemetry/sdk-node', '@opentelemetry/sdk-logs'].map((name) => app.find(name));
  return [app.find(LOGS_API), ...users.map((user) => user && findFrom(user.require, LOGS_API))].flatMap(
    (copy) => copy ?? [],
  );
}

function now(): HrTime {
  const millis = Date.now();
  return [Math.trunc(millis / 1000), (millis % 1000) * 1e6];
}
