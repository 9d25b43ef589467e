/** Counts what a request has that cannot be used, and says why. */

/** Reasons beyond these are counted, but not named. */
const MAX_REASONS = 5;

export class Rejections {
  readonly #reasons = new Map<string, number>();
  readonly #ignored = new Map<string, number>();
  readonly #warnings = new Set<string>();
  #count = 0;

  /** Spans or log records that were not taken. */
  get count(): number {
    return this.#count;
  }

  add(reason: string, count = 1): void {
    if (count === 0) return;
    this.#count += count;
    increase(this.#reasons, reason, count);
  }

  /** Says what was passed over of a span or log record that was taken. */
  ignore(reason: string, count = 1): void {
    if (count > 0) increase(this.#ignored, reason, count);
  }

  /** Says what was passed over, of which nobody knows how many spans it had. */
  warn(reason: string): void {
    if (this.#warnings.size < MAX_REASONS) this.#warnings.add(reason);
  }

  /** Each reason with its number, and what was passed over; undefined if there is neither. */
  get message(): string | undefined {
    const counted = [...this.#reasons, ...this.#ignored].map(([reason, count]) => `${count} × ${reason}`);
    return [...counted, ...this.#warnings].join('; ') || undefined;
  }
}

function increase(counts: Map<string, number>, reason: string, count: number): void {
  const known = counts.get(reason);
  if (known !== undefined || counts.size < MAX_REASONS) counts.set(reason, (known ?? 0) + count);
}
