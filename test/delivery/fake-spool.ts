/** A spool in memory, whose rows can be lost. Like the real one, it reads a log when it writes it. */
import { bodyText, decodeLate } from '../../src/datapoint/body.ts';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import type { Spool, SpooledLog, SpoolOwner, StoredContent } from '../../src/delivery/ledger/spool.ts';

type Row = { -readonly [Field in keyof SpooledLog]: SpooledLog[Field] };

export class FakeSpool implements Spool {
  readonly rows = new Map<string, Row>();
  /** The logs of all calls of `note`, until a test empties it. */
  readonly noted: LogEntry[] = [];
  readonly #owner: SpoolOwner;
  readonly #dirty = new Map<string, LogEntry | SpooledLog | 'gone'>();
  /** Logs that are stored in their newest state. */
  readonly #stored = new Set<LogEntry>();

  constructor(owner: SpoolOwner) {
    this.#owner = owner;
  }

  note(entry: LogEntry): void {
    this.noted.push(entry);
    this.#stored.delete(entry);
    this.#dirty.set(entry.referenceId, entry);
  }

  load(referenceId: string): StoredContent | undefined {
    const row = this.rows.get(referenceId);
    return row?.body === undefined ? undefined : { body: row.body, late: row.late };
  }

  secure(entries: readonly LogEntry[]): void {
    if (entries.some(({ isFinal, referenceId }) => !isFinal && !this.rows.has(referenceId))) this.flush();
  }

  draft(log: SpooledLog): void {
    this.#dirty.set(log.referenceId, log);
  }

  usage(): undefined {
    return undefined;
  }

  forget(referenceId: string): void {
    this.#dirty.set(referenceId, 'gone');
  }

  isStored(referenceId: string): boolean {
    return this.rows.has(referenceId) && !this.#dirty.has(referenceId);
  }

  async recovered(): Promise<void> {}

  flush(): void {
    for (const [referenceId, what] of this.#dirty) {
      if (what === 'gone') this.rows.delete(referenceId);
      else if ('state' in what) this.#write(what);
      else this.rows.set(referenceId, { ...what });
    }
    this.#dirty.clear();
  }

  close(): void {
    this.flush();
  }

  /** Unloads all logs that are stored, as if memory were short. */
  unload(): void {
    for (const entry of this.#stored) if (this.#owner.unload(entry)) this.#stored.delete(entry);
  }

  lose(referenceId: string): void {
    this.rows.delete(referenceId);
  }

  #write(entry: LogEntry): void {
    const { referenceId, body, desired, acknowledged, isFinal, startedMillis } = entry;
    const parentReferenceId = entry.effectiveParent?.referenceId;
    const row = this.rows.get(referenceId);
    if (entry.isDone) {
      this.rows.delete(referenceId);
      if (entry.state !== 'dropped') return;
      for (const child of this.rows.values())
        if (child.parentReferenceId === referenceId) child.parentReferenceId = parentReferenceId;
    } else if (entry.isUnloaded && entry.state !== 'delivered') {
      if (!row) return;
      const { output, error, duration } = decodeLate(desired);
      row.late = {
        output: output ?? row.late.output,
        error: error ?? row.late.error,
        duration: duration ?? row.late.duration,
      };
      row.isFinal = isFinal;
      row.parentReferenceId = parentReferenceId;
    } else {
      const isDelivered = entry.state === 'delivered';
      const late = decodeLate(desired);
      const content = { body: body && bodyText(body), late, acknowledged: acknowledged && decodeLate(acknowledged) };
      this.rows.set(referenceId, { referenceId, parentReferenceId, ...content, isDelivered, isFinal, startedMillis });
      if (body !== undefined) this.#stored.add(entry);
    }
  }
}
