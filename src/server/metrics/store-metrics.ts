/** Counts what is written to the store and what goes wrong there, by wrapping it. */
import type { IngestWork } from '../store/ingest.ts';
import { NameTakenError, RejectedFieldError, RejectedItemError } from '../store/rejected-item.ts';
import { toSteps } from '../store/steps.ts';
import type { DeletedCounts, Store } from '../store/store.ts';
import { StoreUnavailableError, type UnavailableReason, withExplainedErrors } from '../store/unavailable-error.ts';
import type { Registry } from './registry.ts';

const REASONS: readonly (UnavailableReason | 'other')[] = [
  ...(['unreachable', 'full', 'too-slow', 'refused', 'gone', 'failed', 'damaged', 'other'] as const),
];

/** Returns the store that counts. */
export function addStoreMetrics(registry: Registry, store: Store): Store {
  const written = registry.counter(
    'humanloop_logs_written_total',
    'Logs that were stored or completed, by how they came.',
    [...[{ via: 'api' }, { via: 'otlp' }]],
  );
  const updated = registry.counter('humanloop_logs_updated_total', 'Updates of logs by the API that found their log.', [
    {},
  ]);
  const feedback = registry.counter(
    'humanloop_feedback_written_total',
    'Entries of feedback that came by their own request.',
    [{}],
  );
  const deleted = registry.counter('humanloop_logs_deleted_total', 'Logs that were deleted, by what asked for it.', [
    ...[{ by: 'request' }, { by: 'retention' }],
  ]);
  const retention = registry.counter('humanloop_retention_runs_total', 'Looks for logs that are too old or too many.', [
    ...[{ result: 'ok' }, { result: 'failed' }],
  ]);
  const errors = registry.counter(
    'humanloop_store_errors_total',
    'Operations of the store that failed, without those that were refused because of what they asked for.',
    REASONS.map((reason) => ({ reason })),
  );

  const counting = withExplainedErrors(store, (error) => {
    const isRefusal =
      error instanceof RejectedItemError || error instanceof RejectedFieldError || error instanceof NameTakenError;
    if (!isRefusal) errors.add({ reason: error instanceof StoreUnavailableError ? error.reason : 'other' });
    return error;
  });
  const countDeleted = <Counts extends DeletedCounts | undefined>(counts: Counts, by = 'request'): Counts => {
    deleted.add({ by }, counts?.logs ?? 0);
    return counts;
  };

  return {
    ...counting,
    createLogs: async (requests) => {
      const created = await counting.createLogs(requests);
      written.add({ via: 'api' }, created.length);
      return created;
    },
    updateLog: async (selector, update) => {
      const log = await counting.updateLog(selector, update);
      if (log) updated.add();
      return log;
    },
    addFeedback: async (requests) => {
      const answers = await counting.addFeedback(requests);
      feedback.add({}, answers.length);
      return answers;
    },
    ingest: async (traceIds, work) => {
      // It may be called several times; the last one counts.
      let logs = 0;
      const counted: IngestWork = function* (memory, stored) {
        const result = yield* toSteps(() => work(memory, stored));
        logs = 'reads' in result ? 0 : result.creates.length;
        return result;
      };
      const faults = await counting.ingest(traceIds, counted);
      written.add({ via: 'otlp' }, Math.max(0, logs - faults.length));
      return faults;
    },
    deleteLogs: async (ids) => countDeleted(await counting.deleteLogs(ids)),
    deleteSession: async (session) => countDeleted(await counting.deleteSession(session)),
    deleteProject: async (project) => countDeleted(await counting.deleteProject(project)),
    deleteLogsOfUser: async (user) => countDeleted(await counting.deleteLogsOfUser(user)),
    prune: async (bounds) => {
      try {
        const counts = countDeleted(await counting.prune(bounds), 'retention');
        retention.add({ result: 'ok' });
        return counts;
      } catch (error) {
        retention.add({ result: 'failed' });
        throw error;
      }
    },
  };
}
