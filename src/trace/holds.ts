/** The deadlines of held spans. They come in order, since all spans are held equally long. */
import { Fifo } from '../scheduling/fifo.ts';
import type { SpanNode } from './span-node.ts';

interface Hold {
  readonly node: SpanNode;
  /** Monotonic milliseconds. */
  readonly untilMillis: number;
}

export class Holds {
  readonly #holds = new Fifo<Hold>();

  add(node: SpanNode, untilMillis: number): void {
    this.#holds.push({ node, untilMillis });
  }

  /** The earliest deadline of a span that is still held, in monotonic milliseconds. */
  get nextMillis(): number | undefined {
    for (let hold = this.#holds.peek(); hold; hold = this.#holds.peek()) {
      if (hold.node.state === 'held') return hold.untilMillis;
      this.#holds.shift();
    }
    return undefined;
  }

  /** Removes the span with the earliest deadline, and returns it. It may have become due before. */
  take(): SpanNode | undefined {
    return this.#holds.shift()?.node;
  }
}
