/**
 * The rule by which the exporter places a log, as a test would write it: without waiting lists, from the whole story of
 * what was exported when.
 *
 * A log names the nearest logged ancestor that was exported before it or within `holdMillis` after it. Where none was,
 * `missingParent` decides: the nearest ancestor that was not exported is a stub, or the log is at the top. Ancestors
 * are known by the parent links of exported spans. A remote parent is known if it was exported, and is not waited for.
 * A stub is a log from then on, at the top of its session, whatever its span turns out to be.
 *
 * A log is placed at the end of its hold, or as soon as all above it is known, and up to `GATHER_MILLIS` later. Whether
 * it takes account of what is exported in between is left open.
 */
import type { PlannedSpan, PlantedSpan } from './forests.ts';

/** Ended spans gather for at most 105 ms. The rest is for clocks that are read in slices of a few milliseconds. */
const GATHER_MILLIS = 107;

type Planted = PlantedSpan<PlannedSpan>;

/** A call of `export`, or a flush. */
export interface Step {
  readonly atMillis: number;
  readonly exported: readonly Planted[];
  readonly isFlush: boolean;
}

export interface Story {
  readonly holdMillis: number;
  readonly missingParent: 'stub' | 'root';
  readonly steps: readonly Step[];
  /** Whether the server has a log of the span. It decides where the story leaves open whether a span became a stub. */
  readonly isStored: (span: Planted) => boolean;
}

/** What is above a log, as far as it is known. */
type Above = { readonly kind: 'top' } | { readonly kind: 'log' | 'unseen'; readonly span: Planted };

type Answer = 'yes' | 'no' | 'maybe';

export class ExportRule {
  readonly #story: Story;
  /** The step in which a span was exported for the first time. */
  readonly #stepOf = new Map<Planted, number>();
  readonly #stubs = new Map<Planted, Answer>();
  /** All spans that are logs and were exported. */
  readonly logs: readonly Planted[];

  constructor(story: Story) {
    this.#story = story;
    for (const [step, { exported }] of story.steps.entries()) {
      for (const span of exported) if (!this.#stepOf.has(span)) this.#stepOf.set(span, step);
    }
    this.logs = [...this.#stepOf.keys()].filter(({ planned }) => planned.isLog);
  }

  /** References of the parents that the log may name; `undefined` for the top. */
  parentsOf(log: Planted): ReadonlySet<string | undefined> {
    const wasStub = this.isStub(log);
    const parents = new Set<string | undefined>();
    if (wasStub !== 'no') parents.add(undefined);
    if (wasStub === 'yes') return parents;
    for (const step of this.#placedAfter(log)) {
      const above = this.#aboveAfter(log, step);
      const isTop = above.kind === 'top' || (above.kind === 'unseen' && this.#story.missingParent === 'root');
      parents.add(isTop ? undefined : above.span.reference);
    }
    return parents;
  }

  /** Whether a log was placed under the span before that was exported. */
  isStub(span: Planted): Answer {
    if (this.#story.missingParent === 'root') return 'no';
    const known = this.#stubs.get(span);
    if (known) return known;
    const came = this.#cameIn(span);
    let answer: Answer = 'no';
    for (const log of this.logs) {
      // A log that was a stub before it came has its place. One that comes later finds the span there.
      if (!log.ancestors.includes(span) || this.#cameIn(log) >= came || this.isStub(log) === 'yes') continue;
      const steps = this.#placedAfter(log, came);
      const under = steps.filter((step) => {
        const above = step < came ? this.#aboveAfter(log, step) : undefined;
        return above?.kind === 'unseen' && above.span === span;
      });
      if (under.length === steps.length && this.isStub(log) === 'no') answer = 'yes';
      else if (under.length > 0 && answer === 'no') answer = 'maybe';
    }
    this.#stubs.set(span, answer);
    return answer;
  }

  /**
   * The steps after which the log may have been placed. `until` is looked at, but not into, and nothing after it:
   * whether a span is a stub depends on what was before it, and so the questions come to an end.
   */
  #placedAfter(log: Planted, until = Number.POSITIVE_INFINITY): number[] {
    const { steps, holdMillis } = this.#story;
    const came = this.#cameIn(log);
    const placed = new Set<number>();
    for (let index: number | undefined = came; index !== undefined; ) {
      let endMillis = this.#millisOf(came) + holdMillis;
      let gatherMillis = GATHER_MILLIS;
      let isAllKnown = false;
      for (; index < until; index++) {
        const isFlush: boolean = steps[index]?.isFlush === true;
        isAllKnown = this.#aboveAfter(log, index).kind !== 'unseen';
        if (isFlush || isAllKnown) {
          endMillis = this.#millisOf(index);
          if (isFlush) gatherMillis = 0;
          break;
        }
        if (this.#millisOf(index + 1) >= endMillis) break;
      }
      const first: number = placed.size === 0 && this.#cameWithFlush(log) ? came : index;
      let again: number | undefined;
      for (let step = first; step <= until; step++) {
        if (step > index && this.#millisOf(step) > endMillis + gatherMillis) break;
        placed.add(step);
        // A remote parent that comes before the log is placed is linked, and what is above it is waited for.
        const isLinked = isAllKnown && step > index && step < until && this.#aboveAfter(log, step).kind === 'unseen';
        if (isLinked) again ??= step;
      }
      index = again;
    }
    return [...placed];
  }

  /** A flush takes along what is exported while it is prepared, if a log that it is to deliver hangs under that. */
  #cameWithFlush(log: Planted): boolean {
    const came = this.#cameIn(log);
    return this.#story.steps.some(
      ({ isFlush, atMillis }, index) => isFlush && index < came && atMillis === this.#millisOf(came),
    );
  }

  #millisOf(step: number): number {
    return this.#story.steps[step]?.atMillis ?? Number.POSITIVE_INFINITY;
  }

  #aboveAfter(log: Planted, step: number): Above {
    for (const span of log.ancestors) {
      if (this.#cameIn(span) > step) return span.planned.isRemote ? { kind: 'top' } : { kind: 'unseen', span };
      if (span.planned.isLog || this.#becameStub(span)) return { kind: 'log', span };
    }
    return { kind: 'top' };
  }

  #becameStub(span: Planted): boolean {
    const answer = this.isStub(span);
    return answer === 'maybe' ? this.#story.isStored(span) : answer === 'yes';
  }

  #cameIn(span: Planted): number {
    return this.#stepOf.get(span) ?? Number.POSITIVE_INFINITY;
  }
}
