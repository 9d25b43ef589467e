/**
 * The deadlines of held spans. They come in order, since all spans are held equally long, and many share one, since the
 * tracker follows many ends at once.
 */
import { Fifo } from '../scheduling/fifo.ts';
import type { SpanNode } from './span-node.ts';

interface Holding {
  /** Monotonic milliseconds. */
  readonly untilMillis: number;
  readonly nodes: Fifo<SpanNode>;
}

export class Holds {
  readonly #holdings = new Fifo<Holding>();
  #last: Holding | undefined;

  add(node: SpanNode, untilMillis: number): void {
    if (this.#last?.untilMillis !== untilMillis) {
      this.#last = { untilMillis, nodes: new Fifo() };
      this.#holdings.push(this.#last);
    }
    this.#last.nodes.push(node);
  }

  /** The earliest deadline of a span that is still held, in monotonic milliseconds. */
  get nextMillis(): number | undefined {
    while (true) {
      const holding = this.#first();
      if (!holding || holding.nodes.peek()?.state === 'held') return holding?.untilMillis;
      holding.nodes.shift();
    }
  }

  /** Removes the span with the earliest deadline, and returns it. It may have become due before. */
  take(): SpanNode | undefined {
    return this.#first()?.nodes.shift();
  }

  /** The first that is not empty. */
  #first(): Holding | undefined {
    while (true) {
      const first = this.#holdings.peek();
      if (first?.nodes.length !== 0) return first;
      this.#holdings.shift();
      if (first === this.#last) this.#last = undefined;
    }
  }
}
