/**
 * Which logs are being exported, and since when: from the first request with a log, which may be a probe, to its
 * acknowledgement or drop. Part of the ledger; for metrics only, nothing depends on it.
 */
import { ExportOperation, type SpanCounts } from '../../telemetry/span-counts.ts';
import type { TransportOutcome } from '../../transport/transport.ts';
import type { DropReason } from '../drops.ts';
import type { LogEntry } from './log-entry.ts';
import { type MutableEntry, mutable } from './mutable-entry.ts';

export class Exports {
  readonly #counts: SpanCounts;

  constructor(counts: SpanCounts) {
    this.#counts = counts;
  }

  /** Call this before each request with these logs. Those that were not sent before begin an operation together. */
  begin(logs: readonly LogEntry[]): void {
    let operation: ExportOperation | undefined;
    for (let at = 0; at < logs.length; at++) {
      const entry = mutable(logs[at] as LogEntry);
      if (entry.operation) continue;
      operation ??= new ExportOperation();
      operation.left++;
      entry.operation = operation;
      if (!entry.wasPostedAgain) this.#counts.processed.succeeded++;
    }
    this.#counts.inFlight += operation?.left ?? 0;
  }

  /** Call this with the outcome of each such request. */
  answered(logs: readonly LogEntry[], outcome: TransportOutcome): void {
    const status = outcome.kind === 'answered' ? outcome.status : undefined;
    for (let at = 0; at < logs.length; at++) {
      const { operation } = mutable(logs[at] as LogEntry);
      if (operation) operation.status = status;
    }
  }

  stored(entry: MutableEntry): void {
    this.#counts.exported.succeeded++;
    this.#end(entry);
  }

  /** Call this before the state changes. A log that was delivered is counted already, even if it is dropped now. */
  dropped(entry: MutableEntry, reason: DropReason): void {
    const { operation, state, wasPostedAgain } = entry;
    if (state === 'delivered') return;
    if (operation || wasPostedAgain) this.#counts.exported.fail(reason);
    else this.#counts.failUnsent(reason);
    if (operation) operation.errorType = reason;
    this.#end(entry);
  }

  #end(entry: MutableEntry): void {
    const { operation } = entry;
    if (!operation) return;
    entry.operation = undefined;
    this.#counts.inFlight--;
    operation.left--;
    if (operation.left === 0) this.#counts.onExported?.(operation);
  }
}
