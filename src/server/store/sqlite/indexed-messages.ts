/**
 * Remembers which messages of a session the search index has, since the model calls of a conversation repeat all that
 * was said before. Each message is indexed with one log of its session, which owns it. What is forgotten here is indexed
 * again, which costs some space and changes nothing else.
 */
import type { SqliteValue } from '../../../sqlite/open.ts';

/** Of all sessions. Those that were used longest ago are forgotten first. */
const MAX_MESSAGES = 200_000;

/** The log that owns a message, by the hash of its text. */
type Owners = Map<number, SqliteValue>;

export class IndexedMessages {
  readonly #sessions = new Map<SqliteValue, Owners>();
  #count = 0;
  /** Sessions that the current slice has looked at. If the slice is undone, so is what it has indexed of them. */
  readonly #touched = new Set<SqliteValue>();
  #dataVersion: SqliteValue | undefined;

  /** Must be called in the transaction. `dataVersion` is SQLite's: another one means that others have written. */
  startSlice(dataVersion: SqliteValue): void {
    if (dataVersion !== this.#dataVersion) {
      this.#sessions.clear();
      this.#count = 0;
    }
    this.#dataVersion = dataVersion;
  }

  keepSlice(): void {
    this.#touched.clear();
    for (const session of this.#sessions.keys()) {
      if (this.#count <= MAX_MESSAGES) return;
      this.forget(session);
    }
  }

  dropSlice(): void {
    for (const session of this.#touched) this.forget(session);
    this.#touched.clear();
  }

  forget(session: SqliteValue): void {
    this.#count -= this.#sessions.get(session)?.size ?? 0;
    this.#sessions.delete(session);
  }

  /** Returns a function that says whether the log has to be indexed with a message of this text. */
  ownershipOf(session: SqliteValue, log: SqliteValue): (text: string) => boolean {
    const owners: Owners = this.#sessions.get(session) ?? new Map();
    // It becomes the one that was used last.
    this.#sessions.delete(session);
    this.#sessions.set(session, owners);
    this.#touched.add(session);
    return (text) => {
      const hash = hashOf(text);
      const owner = owners.get(hash);
      if (owner !== undefined) return owner === log;
      owners.set(hash, log);
      this.#count += 1;
      return true;
    };
  }
}

/** Returns 53 bits: with a million messages in one session, two share a hash once in ten thousand sessions. */
function hashOf(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return 4_294_967_296 * (0x1f_ff_ff & low) + (high >>> 0);
}
