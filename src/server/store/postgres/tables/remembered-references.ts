/**
 * To which logs references lead, of those that this server has written or found last: mostly what is updated next. What is
 * remembered may be wrong, since logs are deleted; but while the log is there, it is the one of its reference.
 */

/** In the newer half. */
const MAX_REMEMBERED = 25_000;
const MAX_CHARACTERS = 200;

export class RememberedReferences {
  #newer = new Map<string, string>();
  #older = new Map<string, string>();

  /** Returns the id of a log. */
  get(reference: string): string | undefined {
    return this.#newer.get(reference) ?? this.#older.get(reference);
  }

  /** Of no log, it is forgotten: each turn that asks for it would be done twice. */
  set(reference: string, id: string | undefined): void {
    if (id === undefined) {
      this.#newer.delete(reference);
      this.#older.delete(reference);
      return;
    }
    if (reference.length > MAX_CHARACTERS) return;
    if (this.#newer.size >= MAX_REMEMBERED) [this.#older, this.#newer] = [this.#newer, new Map()];
    this.#newer.set(reference, id);
  }
}
