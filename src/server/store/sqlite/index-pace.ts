/**
 * How much of the thread the viewer's index takes while writes come. As long as it is nearly up to date it gives way, in
 * short slices with long breaks. From a lag of one second on, its slices become longer, which costs less for each log, and
 * its breaks shorter, until at three seconds it has about half of the time: enough to keep up with half of the writes
 * that the thread could do without it. More than that it does not get, so it falls behind a flood of writes, evenly.
 */

/** Up to this lag it gives way as much as it can. */
const PROMPT_MILLIS = 1_000;
/** From this lag on it has its full part. */
const LATE_MILLIS = 3_000;
const SHORT_SLICE_MILLIS = 16;
/** No request waits for more than one slice. */
const LONG_SLICE_MILLIS = 40;
/** In lengths of the slice before it. */
const LONG_BREAK = 12;
const SHORT_BREAK = 1;

export interface IndexPace {
  readonly sliceMillis: number;
  /** The longest break, as long as writes come, as a multiple of the work before it. */
  readonly breakFactor: number;
  /** Whether the oldest logs have to come into their turn, too. */
  readonly isLate: boolean;
}

/** `behindMillis`: for how long there have always been logs that are not indexed. */
export function paceAt(behindMillis: number): IndexPace {
  const lateness = Math.min(1, Math.max(0, (behindMillis - PROMPT_MILLIS) / (LATE_MILLIS - PROMPT_MILLIS)));
  return {
    sliceMillis: SHORT_SLICE_MILLIS + lateness * (LONG_SLICE_MILLIS - SHORT_SLICE_MILLIS),
    breakFactor: LONG_BREAK * (SHORT_BREAK / LONG_BREAK) ** lateness,
    isLate: lateness > 0,
  };
}
