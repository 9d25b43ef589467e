/** From times to places in the waterfall. Pure; times are in seconds. */

export interface TimeScale {
  readonly start: number;
  /** Never 0. */
  readonly length: number;
}

export interface Bar {
  /** Percent of the width. */
  readonly left: number;
  readonly width: number;
}

const SHORTEST = 0.001;

/** Each turn has its own scale: minutes can lie between two turns, and on one scale neither would be visible. */
export function toScale(start: number, end: number): TimeScale {
  return { start, length: Math.max(SHORTEST, end - start) };
}

/** Keeps the bar inside the scale, even if the clocks of two machines disagree. */
export function toBar({ start, length }: TimeScale, from: number, to: number): Bar {
  const left = clamp(((from - start) / length) * 100);
  return { left, width: Math.max(0, clamp(((to - start) / length) * 100) - left) };
}

/** Returns round times, from 0 on. */
export function toTicks({ length }: TimeScale, most: number): number[] {
  const rough = length / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let index = 0; index * step < length && ticks.length <= most; index += 1) ticks.push(index * step);
  return ticks;
}

function clamp(percent: number): number {
  return Math.min(100, Math.max(0, Number.isNaN(percent) ? 0 : percent));
}
