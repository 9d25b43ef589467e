/** Which sessions were merged into which others, as far as this server has seen it. */
import { type Key, toKeyed, type Uuid } from './keys.ts';

const MAX_REMEMBERED = 50_000;
const MAX_STEPS = 20;

export class Merges {
  readonly #targets = new Map<Uuid, Uuid>();

  remember(source: Uuid, target: Uuid): void {
    if (this.#targets.size >= MAX_REMEMBERED) this.#targets.clear();
    if (source !== target) this.#targets.set(source, target);
  }

  /** A merge is for ever, but for a session that was deleted as a whole and is written to again. */
  forget(source: Uuid): void {
    this.#targets.delete(source);
  }

  resolve(key: Uuid): Key {
    let current = key;
    const passed: Uuid[] = [];
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const target = this.#targets.get(current);
      if (target === undefined) break;
      passed.push(current);
      current = target;
    }
    // A reference that is deleted again and again would lead further each time.
    if (passed.length > 1) for (const each of passed) this.#targets.set(each, current);
    return toKeyed(current);
  }
}
