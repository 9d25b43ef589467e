/** Which logs of a trace what has come may change. In a large trace these are few. */

import type { LogNode, Skeleton } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';
import { CallsAlike } from './calls-alike.ts';
import { isEarlier } from './first-calls.ts';
import { FromAbove } from './from-above.ts';

/** Each is looked at in about a microsecond. */
const SPANS_OF_STEP = 100;

/**
 * Returns the logs whose outcome may be another one than before. All below a log that a new span may change are among
 * them, and all that belong to calls which may be the same as one of these. Yields after some spans.
 */
export function* findAffected(tree: Tree, news: Iterable<string>): Generator<void, readonly LogNode[]> {
  const affected = new Affected(tree);
  for (const spanId of news) affected.add(tree.get(spanId) as Skeleton);
  yield* affected.collect();
  return affected.logs;
}

class Affected {
  readonly logs: LogNode[] = [];
  readonly #tree: Tree;
  readonly #alike: CallsAlike;
  readonly #spans = new Set<Skeleton>();
  readonly #tops: Skeleton[] = [];
  /** At or above a span: the highest log that may be the same call, or counts it. */
  readonly #highest: FromAbove<Skeleton | undefined>;
  /** Agents above spans that were looked at. They use the model of the first call below them, if they name none. */
  readonly #agents = new Set<LogNode>();
  /** Spans whose ancestors were looked at. */
  readonly #climbed = new Set<Skeleton>();
  /** Of the calls of models among the logs, the one that started first. */
  #firstCall: LogNode | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#alike = new CallsAlike(tree);
    this.#highest = new FromAbove<Skeleton | undefined>(
      tree,
      (node, above) => above?.value ?? (mayBeSameCall(node) ? node : undefined),
    );
  }

  /** Adds the span, with all that is below the highest log at or above it that may be the same call. */
  add(node: Skeleton): void {
    const above = this.#tree.above(node);
    this.#tops.push((above && this.#highest.at(above)) ?? node);
  }

  *collect(): Generator<void, void> {
    do {
      for (let top = this.#tops.pop(); top; top = this.#tops.pop()) {
        if (this.#spans.has(top)) continue;
        yield* this.#collectBelow(top);
        this.#findAgentsAbove(top);
      }
      for (const agent of this.#agents) this.#addAgent(agent);
    } while (this.#tops.length > 0);
  }

  *#collectBelow(top: Skeleton): Generator<void, void> {
    const path = [top];
    for (let step = path.pop(); step; step = path.pop()) {
      if (this.#spans.has(step)) continue;
      this.#spans.add(step);
      for (const child of this.#tree.below(step)) path.push(child);
      if (step.own) this.#addLog(step as LogNode);
      if (this.#spans.size % SPANS_OF_STEP === 0) yield;
    }
  }

  #addLog(node: LogNode): void {
    this.logs.push(node);
    if (node.own.kind === 'model' && isEarlier(node, this.#firstCall)) this.#firstCall = node;
    for (const call of this.#alike.take(node)) if (!this.#spans.has(call)) this.add(call);
  }

  #findAgentsAbove(node: Skeleton): void {
    for (let step = this.#tree.above(node); step && !this.#climbed.has(step); step = this.#tree.above(step)) {
      this.#climbed.add(step);
      if (step.own?.kind === 'agent' && step.own.model === undefined) this.#agents.add(step as LogNode);
    }
  }

  /** Adds the agent if its first call may be another one now. */
  #addAgent(agent: LogNode): void {
    if (this.#spans.has(agent)) {
      this.#agents.delete(agent);
      return;
    }
    const callerId = agent.written?.recipe?.calledBy;
    const first = callerId === undefined ? undefined : this.#tree.get(callerId);
    const isChanged = first !== undefined && this.#spans.has(first);
    if (isChanged || (this.#firstCall && isEarlier(this.#firstCall, first))) this.add(agent);
  }
}

function mayBeSameCall({ own }: Skeleton): boolean {
  return (
    own !== undefined && (own.kind === 'model' || own.kind === 'tool' || (own.kind === 'generic' && own.hasCounts))
  );
}
