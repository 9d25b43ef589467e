/**
 * The public names of the app half, which turns OpenTelemetry spans into v4 logs. The server is
 * `humanloop-otel/server`.
 */
export type { HumanloopResult } from './client/api-result.ts';
export {
  type FeedbackArguments,
  HumanloopLogs,
  type HumanloopLogsOptions,
  type LogArguments,
  type UpdateArguments,
  type UpdateByRefArguments,
} from './client/humanloop-logs.ts';
export type { Convention, Evaluation, LogKind, ReadError, Reading, Signs, SpanKind } from './conventions/convention.ts';
export { CONVENTIONS } from './conventions/index.ts';
export type { SpanFields } from './conventions/values/span-fields.ts';
export { HumanloopApiError, HumanloopError } from './errors.ts';
export type { DropReport, HumanloopOptions, Redact } from './options.ts';
export type { SpanSlice } from './otel/span-slice.ts';
export type { PassedOn } from './pipeline/passing-on.ts';
export type { Stats } from './pipeline/stats.ts';
export { HumanloopLogRecordProcessor, type LogRecordSlice } from './processors/log-record-processor.ts';
export { HumanloopPropagator } from './processors/propagator.ts';
export { type ExportResult, HumanloopSpanExporter } from './processors/span-exporter.ts';
export { type FlushLimit, HumanloopSpanProcessor } from './processors/span-processor.ts';
export type { LogReference } from './processors/update-arguments.ts';
export type { LateFields } from './wire/late-fields.ts';
export type {
  ChatMessage,
  CreatedLog,
  Feedback,
  LogRequest,
  LogResponse,
  LogUpdate,
  Page,
  ValidationDetail,
} from './wire/v4.ts';
