/** Counts what a request has that cannot be used, and says why. */

/** Reasons beyond these are counted, but not named. */
const MAX_REASONS = 5;

export class Rejections {
  readonly #reasons = new Map<string, number>();
  readonly #warnings = new Set<string>();
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

  /** Says what was passed over, of which nobody knows how many spans it had. */
  warn(reason: string): void {
    if (this.#warnings.size < MAX_REASONS) this.#warnings.add(reason);
  }

  /** Each reason with its number, and what was passed over; undefined if there is neither. */
  get message(): string | undefined {
    const counted = [...this.#reasons].map(([reason, count]) => `${count} × ${reason}`);
    return [...counted, ...this.#warnings].join('; ') || undefined;
  }
}
