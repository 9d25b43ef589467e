/**
 * Takes in the starts and ends of spans. Both run inside calls of the app, so they are only noted here. The tracker
 * catches up with many of them at once, which costs less than following each: code and data are then in the CPU's
 * caches. Whoever reads the tracker calls `catchUp` first.
 *
 * Work on what has ended begins when nothing has come for a moment, so that the last trace is not kept waiting, or when
 * enough has come. A trace that is worked off alone costs twice as much as one of twenty.
 */
import type { Context } from '@opentelemetry/api';
import type { SpanSlice } from '../otel/span-slice.ts';
import { EarliestTimer } from '../scheduling/earliest-timer.ts';
import { letGo } from '../scheduling/let-go.ts';

/** Two looks this far apart that find nothing new between them show that the app is quiet. */
const LOOK_MILLIS = 15;
/** The work begins after this time even if more comes all the while. */
const MAX_LOOKS = 7;
/** With this many starts and ends the work begins in the next turn: about twenty traces. */
const MANY_NOTES = 500;
/** With this many the tracker catches up inside the app's call: without a turn of the event loop, memory is bounded too. */
const MAX_NOTES = 4_096;

/** Stands in the place of a start's context. */
export const ENDED = Symbol('ended');

/** Starts and ends in their order: of each the span, and at the same place of the other list what happened to it. */
export interface Notes {
  readonly spans: SpanSlice[];
  /** The parent context of a start, or that the span ended. */
  readonly events: (Context | undefined | typeof ENDED)[];
}

export interface IntakeOptions {
  /** If false, the work begins in the turn after each end, since logs should reach the disk soon. */
  readonly gathers: boolean;
  /** Passes notes on to the tracker. More may be added to them meanwhile, and they are emptied afterwards. Never throws. */
  readonly follow: (notes: Notes) => void;
  /** Called when the work should begin; perhaps several times. It catches up first. */
  readonly onGathered: () => void;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #timer = new EarliestTimer(() => this.#look());
  readonly #notes: Notes = { spans: [], events: [] };
  #isFollowing = false;
  /** Number of notes at the last look, and of looks since the timer was set. */
  #seenCount = 0;
  #looks = 0;
  #isQuiet = true;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** True if nothing has come for a moment: what was worked off since is all there is. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  start(span: SpanSlice, parentContext: Context | undefined): void {
    this.#note(span, parentContext);
  }

  end(span: SpanSlice): void {
    this.#note(span, ENDED);
    if (!this.#options.gathers) this.#options.onGathered();
  }

  /** Makes the tracker follow what was noted. Does nothing during the call of `follow`. */
  catchUp(): void {
    const notes = this.#notes;
    if (notes.spans.length === 0 || this.#isFollowing) return;
    this.#isFollowing = true;
    this.#options.follow(notes);
    letGo(notes.spans);
    letGo(notes.events);
    this.#isFollowing = false;
  }

  /** Stops the timer. */
  close(): void {
    this.#timer.clear();
  }

  #note(span: SpanSlice, event: Context | undefined | typeof ENDED): void {
    const { spans, events } = this.#notes;
    events.push(event);
    const count = spans.push(span);
    if (!this.#timer.isSet) this.#gather();
    if (count < MANY_NOTES) return;
    if (count >= MAX_NOTES) this.catchUp();
    this.#options.onGathered();
  }

  #gather(): void {
    this.#isQuiet = false;
    this.#looks = 0;
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#seenCount = this.#notes.spans.length;
    this.#timer.fireAt(performance.now() + LOOK_MILLIS);
  }

  #look(): void {
    this.#isQuiet = this.#notes.spans.length === this.#seenCount;
    if (!this.#isQuiet && ++this.#looks < MAX_LOOKS) this.#lookAgain();
    else this.#options.onGathered();
  }
}
