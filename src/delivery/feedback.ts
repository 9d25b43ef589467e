/**
 * Sends feedback that came after its log's POST: `POST /feedback`, for one log per request.
 *
 * v4 takes the server's id of a log there, and not its reference, so the log is looked up first, by an update that
 * changes nothing. The answer names the id and the feedback that is already stored. If the answer to a `POST` is lost,
 * the log is looked up again and only what is missing is sent: so nothing is stored twice.
 */
import type { TransportOutcome } from '../transport/transport.ts';
import { isObject, parseJson } from '../wire/json.ts';
import type { Feedback } from '../wire/v4.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LogEntry } from './ledger/log-entry.ts';
import type { Shipment } from './sender.ts';
import { isListAnswer, judgeUpdate, type Verdict } from './verdict.ts';

/** What a look-up found. */
interface LocatedLog {
  /** The server's id. */
  readonly dataId: string;
  /** Feedback that the server does not have. */
  readonly missing: readonly string[];
}

export class FeedbackRequests {
  readonly #ledger: Ledger;
  /** Logs whose next request is the `POST`. */
  readonly #located = new WeakMap<LogEntry, LocatedLog>();
  /** Logs of which the server refused several items without naming one: the items go one by one. */
  readonly #oneByOne = new WeakSet<LogEntry>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Returns the next request for a delivered log with feedback that waits. */
  take(entry: LogEntry): Shipment {
    this.#ledger.feedback.start(entry);
    const located = this.#located.get(entry);
    return located ? this.#send(entry, located) : this.#lookUp(entry);
  }

  #lookUp(entry: LogEntry): Shipment {
    let log: unknown;
    const path = `/logs?reference_id=${encodeURIComponent(entry.referenceId)}`;
    return {
      request: { method: 'PATCH', path, body: Buffer.from('{}') },
      judge: (outcome) => {
        log = bodyOf(outcome);
        return judgeUpdate(outcome);
      },
      apply: (verdict) => {
        if (entry.state === 'dropped') return;
        if (verdict.kind === 'stored') this.#locate(entry, log);
        else this.#applyFailure(entry, entry.feedback, verdict);
      },
    };
  }

  #locate(entry: LogEntry, log: unknown): void {
    const { feedback } = this.#ledger;
    const { id, feedback: stored } = isObject(log) ? log : {};
    if (typeof id !== 'string') return feedback.drop(entry, entry.feedback, 'feedback_rejected', 'the log has no id');
    const present = new Set([stored ?? []].flat().map(identityOf));
    const missing = entry.feedback.filter((item) => !present.has(identityOf(JSON.parse(item))));
    if (missing.length === 0) return feedback.stored(entry, entry.feedback);
    this.#located.set(entry, { dataId: id, missing: this.#oneByOne.has(entry) ? missing.slice(0, 1) : missing });
    this.#ledger.backToUpdates(entry);
  }

  #send(entry: LogEntry, { dataId, missing }: LocatedLog): Shipment {
    const head = `{"data_id":${JSON.stringify(dataId)},`;
    const body = Buffer.from(`[${missing.map((item) => head + item.slice(1)).join(',')}]`);
    return {
      request: { method: 'POST', path: '/feedback', body },
      judge: (outcome) => judgeUpdate(outcome, isListAnswer),
      apply: (verdict) => {
        // After a clear refusal to work on it now, the same request is sent again.
        if (verdict.kind !== 'later' && verdict.kind !== 'refused') this.#located.delete(entry);
        if (entry.state === 'dropped') return;
        if (verdict.kind === 'stored') this.#ledger.feedback.stored(entry, missing);
        else this.#applyFailure(entry, missing, verdict);
      },
    };
  }

  #applyFailure(entry: LogEntry, items: readonly string[], verdict: Exclude<Verdict, { kind: 'stored' }>): void {
    const { feedback } = this.#ledger;
    switch (verdict.kind) {
      case 'unknown':
        // Posted again, the log is looked up again too.
        if (this.#ledger.lost(entry)) return;
        return feedback.drop(entry, items, 'feedback_no_log', verdict.why);
      case 'invalid':
      case 'tooLarge':
        if (items.length < 2) return feedback.drop(entry, items, 'feedback_rejected', verdict.why);
        this.#oneByOne.add(entry);
        break;
      case 'closed':
        return feedback.drop(entry, items, 'service_closed', verdict.why);
      default:
        if (this.#ledger.isExpired(entry)) return feedback.drop(entry, items, 'retry_expired', verdict.why);
    }
    feedback.countRetry();
    this.#ledger.backToUpdates(entry);
  }
}

function bodyOf(outcome: TransportOutcome): unknown {
  return outcome.kind === 'answered' ? parseJson(outcome.text) : undefined;
}

/** Two items with the same identity are one. Servers write the same moment in several ways. */
function identityOf(item: unknown): string {
  const { type, value, user, created_at: createdAt } = (isObject(item) ? item : {}) as Partial<Feedback>;
  return JSON.stringify([type, value, user ?? null, typeof createdAt === 'string' ? millisOf(createdAt) : null]);
}

const HAS_ZONE = /(?:Z|[+-]\d\d:?\d\d)$/i;

/** A date without a zone is in UTC. */
function millisOf(date: string): number {
  return Date.parse(HAS_ZONE.test(date) ? date : `${date}Z`);
}
