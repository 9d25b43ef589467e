/**
 * The ended spans of all traces until they are retired: first held, as long as something above them blocks, then due.
 *
 * For a processor, open ancestors block. A span that has been held long enough releases them: it is due, and so is all
 * that ends below them later, without waiting. Its log needs no more of an open ancestor, which is written first.
 *
 * For an exporter, unseen ancestors block, and each span waits for its own `holdMillis`: what is above an unseen span
 * becomes known only when that comes. A log that is due is then placed with what is known.
 * - If its nearest logged ancestor is still held, the log is held with it.
 * - If there is no logged ancestor below an unseen one, `missingParent` decides: the unseen span becomes a stub, or the
 *   log goes to the top of its session, and others go on waiting for the unseen span.
 */

import { letGo } from '../scheduling/let-go.ts';
import { Holds } from './holds.ts';
import { findBlocker, type SpanNode, type Trace } from './span-node.ts';

export interface PendingOptions {
  readonly holdMillis: number;
  /** True for an exporter: a parent that was not seen yet may still come. */
  readonly awaitsUnseenParents: boolean;
  readonly missingParent: 'stub' | 'root';
}

interface Unlinked {
  readonly node: SpanNode;
  readonly untilMillis: number;
  readonly waiters: SpanNode[] | undefined;
}

type IsLog = (node: SpanNode) => boolean;

export class PendingSpans {
  readonly #options: PendingOptions;
  readonly #holds = new Holds();
  /** Traces with due spans, which are in `Trace.due`. */
  readonly #dueTraces: Trace[] = [];
  #count = 0;
  #dueCount = 0;
  /** Held spans of an exporter that `link` has not looked at yet. */
  #unlinked: Unlinked[] = [];
  /** How many more calls of `takeDue` it takes until all that was due at the last `releaseAll` is retired. */
  #takesOfFlush = 0;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** Spans that are held or due. */
  get count(): number {
    return this.#count;
  }

  /** Spans that are due, or may be when `takeDue` is called. */
  get dueCount(): number {
    return this.#dueCount + this.#unlinked.length;
  }

  /** Monotonic milliseconds at which `releaseOverdue` has something to do. */
  get nextReleaseMillis(): number | undefined {
    return this.#holds.nextMillis;
  }

  /** Adds a span that has ended. */
  add(node: SpanNode, nowMillis: number): void {
    this.#count++;
    node.trace.pendingCount++;
    node.state = 'held';
    const untilMillis = nowMillis + this.#options.holdMillis;
    if (this.#options.awaitsUnseenParents) {
      this.#unlinked.push({ node, untilMillis, waiters: node.waiters });
      node.waiters = undefined;
      return;
    }
    const blocker = findBlocker(node);
    if (blocker) this.#hold(node, blocker, untilMillis);
    else this.#markDue(node);
    this.unblock(node);
  }

  /**
   * Finds out what blocks the spans that were added for an exporter, and those that waited for them. Done when the work
   * begins and not in `add`, so that the order of spans that are exported together does not matter.
   */
  link(): void {
    if (this.#unlinked.length === 0) return;
    const unlinked = this.#unlinked;
    this.#unlinked = [];
    for (const { node, untilMillis, waiters = [] } of unlinked) {
      const blocker = findBlocker(node);
      if (blocker) {
        passOn(waiters, blocker);
        if (node.state === 'held') this.#hold(node, blocker, untilMillis);
      } else {
        this.#markDue(node);
        for (const waiter of waiters) this.#markDue(waiter);
      }
    }
  }

  /** Removes a span that is worked off. */
  retire(node: SpanNode): void {
    node.state = 'retired';
    this.#count--;
    node.trace.pendingCount--;
  }

  /** Lets the spans that waited for this one wait for what blocks above it, or makes them due. */
  unblock(node: SpanNode): void {
    const { waiters } = node;
    node.waiters = undefined;
    if (!waiters) return;
    const blocker = findBlocker(node);
    if (!blocker) {
      this.#markWaitersDue(waiters);
    } else if (!blocker.waiters) {
      blocker.waiters = waiters;
    } else {
      for (const waiter of waiters) blocker.waiters.push(waiter);
    }
    if (blocker && blocker.waiters !== waiters) letGo(waiters);
  }

  /** Makes due what has been held long enough. */
  releaseOverdue(nowMillis: number): void {
    this.link();
    const overdue: SpanNode[] = [];
    for (let next = this.#holds.nextMillis; next !== undefined && next <= nowMillis; next = this.#holds.nextMillis) {
      overdue.push(this.#holds.take() as SpanNode);
    }
    this.#release(overdue);
  }

  /** Makes due what has been held longest: the given number of spans, and what waits for the same open ancestors. */
  releaseOldest(count: number): void {
    this.link();
    const oldest: SpanNode[] = [];
    while (oldest.length < count) {
      const node = this.#holds.take();
      if (!node) break;
      oldest.push(node);
    }
    this.#release(oldest);
  }

  /** Makes due all that is held. Spans that are due now are not held again. */
  releaseAll(): void {
    this.#takesOfFlush = 2;
    this.releaseOverdue(Number.POSITIVE_INFINITY);
  }

  /**
   * Returns what has become due since the last call, by trace. It has to be retired or held again before the next, and the
   * lists to be let go.
   */
  takeDue(): SpanNode[][] {
    this.link();
    this.#dueCount = 0;
    if (this.#takesOfFlush > 0) this.#takesOfFlush--;
    const all = this.#dueTraces.map(takeDueOf);
    letGo(this.#dueTraces);
    return all;
  }

  /** Holds a due log again if its nearest logged ancestor is held; both become due together. Returns whether it did. */
  holdWithAncestor(node: SpanNode, isLog: IsLog): boolean {
    if (!this.#options.awaitsUnseenParents || node.state !== 'due') return false;
    for (let above: SpanNode | undefined = node; above && !above.entry; above = above.parent) {
      if (above.state !== 'held' || !isLog(above)) continue;
      if (this.#takesOfFlush === 0) {
        node.state = 'held';
        waitFor(above, node);
        return true;
      }
      // A flush does not wait for the ancestor either. It is due, with what is known above it.
      this.#markDue(above);
    }
    return false;
  }

  /** Holds a due span of a processor again, until an open one of another trace is due. Returns whether it did. */
  holdWith(node: SpanNode, open: SpanNode, nowMillis: number): boolean {
    if (node.state !== 'due' || open.state !== 'open' || this.#takesOfFlush > 0) return false;
    node.state = 'held';
    this.#hold(node, open, nowMillis + this.#options.holdMillis);
    return true;
  }

  /**
   * Decides the parent of a due log, unless that is decided already. Returns false if the log is held again. Otherwise the
   * caller creates its entry in the same step, after the entry of a placeholder that has become a stub.
   */
  place(node: SpanNode, isLog: IsLog): boolean {
    if (!this.#options.awaitsUnseenParents || node.entry) return true;
    if (this.holdWithAncestor(node, isLog)) return false;
    // Spans that come below this log later hang under it, and need not wait for what is above.
    node.blocker = undefined;
    let above = node.parent;
    while (above && !above.entry && above.state !== 'unseen') above = above.parent;
    if (above?.state === 'unseen' && this.#options.missingParent === 'stub') {
      above.state = 'stub';
      this.unblock(above);
    }
    return true;
  }

  #hold(node: SpanNode, blocker: SpanNode, untilMillis: number): void {
    waitFor(blocker, node);
    this.#holds.add(node, untilMillis);
  }

  /** Makes spans due, as far as they are still held. */
  #release(nodes: readonly SpanNode[]): void {
    if (this.#options.awaitsUnseenParents) return this.#releaseEach(nodes);
    for (const node of nodes) if (node.state === 'held') this.#releaseAncestors(node);
  }

  #releaseEach(nodes: readonly SpanNode[]): void {
    const blockers = new Set<SpanNode>();
    for (const node of nodes) {
      const blocker = findBlocker(node);
      if (blocker) blockers.add(blocker);
      this.#markDue(node);
    }
    // Otherwise an unseen span that never comes would collect all spans that ever waited for it.
    for (const blocker of blockers) blocker.waiters = blocker.waiters?.filter(({ state }) => state === 'held');
  }

  #releaseAncestors(node: SpanNode): void {
    const released: SpanNode[] = [];
    for (let blocker = findBlocker(node); blocker; blocker = findBlocker(node)) {
      blocker.released = true;
      released.push(blocker);
    }
    // From the top, so that nothing moves more than once.
    for (const blocker of released.reverse()) this.unblock(blocker);
    // It was held with a span that is not above it.
    this.#markDue(node);
  }

  /** Also makes due what waits for this span, or is held with it. */
  #markDue(node: SpanNode): void {
    if (node.state !== 'held') return;
    this.#enqueue(node);
    const { waiters } = node;
    node.waiters = undefined;
    if (waiters) this.#markWaitersDue(waiters);
  }

  #markWaitersDue(waiters: SpanNode[]): void {
    for (let at = 0; at < waiters.length; at++) {
      const waiter = waiters[at] as SpanNode;
      if (waiter.state !== 'held') continue;
      this.#enqueue(waiter);
      if (waiter.waiters) for (const next of waiter.waiters) waiters.push(next);
      waiter.waiters = undefined;
    }
    letGo(waiters);
  }

  #enqueue(node: SpanNode): void {
    node.state = 'due';
    const { trace } = node;
    this.#dueCount++;
    if (trace.due) {
      trace.due.push(node);
    } else {
      trace.due = [];
      trace.due.push(node);
      this.#dueTraces.push(trace);
    }
  }
}

function takeDueOf(trace: Trace): SpanNode[] {
  const { due = [] } = trace;
  trace.due = undefined;
  return due;
}

function waitFor(blocker: SpanNode, node: SpanNode): void {
  blocker.waiters ??= [];
  blocker.waiters.push(node);
}

/** Moves the shorter list: a deep trace whose leaves come first would otherwise move all of them at each level. */
function passOn(waiters: SpanNode[], blocker: SpanNode): void {
  const present = blocker.waiters ?? [];
  const [more, fewer] = present.length > waiters.length ? [present, waiters] : [waiters, present];
  for (const waiter of fewer) more.push(waiter);
  blocker.waiters = more;
}
