/**
 * How much of the time the viewer's index takes while writes come: of the lock, without which nobody else can write, and
 * of this thread where it has none of its own. As long as it is nearly up to date it gives way, in short slices with long
 * breaks; when it is late its slices become longer, which costs less for each log, and its breaks shorter, until it has
 * about half of the time, so that a flood cannot starve it. Where the thread that answers is saturated, all that the
 * index takes is taken from answers: until it is late, reading has breaks there, too.
 */

export interface IndexPace {
  readonly sliceMillis: number;
  /**
   * The longest break, as long as writes come, as a multiple of the work before it. The time in which that work waited for
   * the lock, since others wrote, is a part of it.
   */
  readonly breakFactor: number;
  /** The same for writing words: who writes logs waits for the processor perhaps, but not for their lock. */
  readonly wordsFactor: number;
  /**
   * The same for reading, which goes on beside writes: it is a part of the break. In a peak it might take the processor
   * from answers, so that it needs a break as well, until the index is late.
   */
  readonly readFactor: number;
  /** Whether the oldest logs have to come into their turn, too. */
  readonly isLate: boolean;
  /**
   * Whether it has its full part: the next slice is read while others write after this one, and they do so for no longer
   * than it takes. Where the disk takes long, it is read while that takes the words of this one. And slices have more text:
   * what each waits for on the way, between its parts, is as much for a short one.
   */
  readonly isUrgent: boolean;
}

/** Up to this lag it gives way as much as it can. */
const PROMPT_MILLIS = 1_000;
/** From this lag on it has its full part. A cold process still falls behind for a while then, and has to stay below 5 s. */
const LATE_MILLIS = 2_500;
const SHORT_SLICE_MILLIS = 16;
/** No request waits for more than one slice. */
const LONG_SLICE_MILLIS = 40;
/** In lengths of the slice before it. */
const LONG_BREAK = 12;
const SHORT_BREAK = 1;
const PART_OF_BREAK = -1;

/**
 * `behindMillis`: for how long there have always been logs that are not indexed. `isSaturated`: whether the thread has
 * no time to spare, see thread-load.ts.
 */
export function paceAt(behindMillis: number, isSaturated: boolean): IndexPace {
  const lateness = Math.min(1, Math.max(0, (behindMillis - PROMPT_MILLIS) / (LATE_MILLIS - PROMPT_MILLIS)));
  const breakFactor = LONG_BREAK * (SHORT_BREAK / LONG_BREAK) ** lateness;
  return {
    sliceMillis: SHORT_SLICE_MILLIS + lateness * (LONG_SLICE_MILLIS - SHORT_SLICE_MILLIS),
    breakFactor,
    wordsFactor: breakFactor - SHORT_BREAK,
    readFactor: isSaturated ? PART_OF_BREAK + (1 - lateness) * (LONG_BREAK - PART_OF_BREAK) : PART_OF_BREAK,
    // It costs nothing, and after a peak the oldest are not the last ones.
    isLate: behindMillis > PROMPT_MILLIS,
    isUrgent: lateness === 1,
  };
}
