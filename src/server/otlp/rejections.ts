/** Counts what a request has that cannot be used, and says why. */

/** Reasons beyond these are counted, but not named. */
const MAX_REASONS = 5;

export class Rejections {
  readonly #reasons = new Map<string, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(reason: string, count = 1): void {
    if (count === 0) return;
    this.#count += count;
    const known = this.#reasons.get(reason);
    if (known !== undefined || this.#reasons.size < MAX_REASONS) this.#reasons.set(reason, (known ?? 0) + count);
  }

  /** Each reason with its number; undefined if nothing was rejected. */
  get message(): string | undefined {
    if (this.#count === 0) return undefined;
    return [...this.#reasons].map(([reason, count]) => `${count} × ${reason}`).join('; ');
  }
}
