/** The bars of the logs and the ruler of their turn, on one scale. */
import { formatTick } from '../parts/format.ts';
import { isStillRunning } from '../state/still-running.ts';
import type { LogNode, Turn } from './log-tree.ts';
import { type TimeScale, toBar, toScale, toTicks } from './time-scale.ts';

/** The labels of more ticks would touch each other. */
const MAX_TICKS = 4;
/** Percent of the width; a label further right would be cut. */
const LAST_TICK = 86;

interface WaterfallProps {
  readonly node: LogNode;
  readonly turn: Turn;
  readonly nowSeconds: number;
  readonly scaleSeconds: number;
}

export function Waterfall({ node, turn, nowSeconds, scaleSeconds }: WaterfallProps) {
  const { log } = node;
  const end = node.ownEnd ?? (isLive(turn, nowSeconds) ? Math.max(nowSeconds, node.end) : turn.end);
  const bar = toBar(scaleOf(turn, nowSeconds, scaleSeconds), node.start, end);
  const names = ['bar', `bar-${node.label.type}`];
  if (log.error !== undefined) names.push('has-failed');
  else if (log.running) names.push(isLive(turn, nowSeconds) ? 'is-running' : 'is-stale');
  return (
    <span class="waterfall" aria-hidden="true">
      <span
        class={names.join(' ')}
        style={{ left: `min(${bar.left}%, 100% - 3px)`, width: `max(${bar.width}%, 3px)` }}
      />
    </span>
  );
}

export function Ruler({ scale }: { scale: TimeScale }) {
  const ticks = toTicks(scale, MAX_TICKS).map((tick) => ({ tick, left: (tick / scale.length) * 100 }));
  return (
    <span class="waterfall ruler" aria-hidden="true">
      {ticks
        .filter(({ left }) => left < LAST_TICK)
        .map(({ tick, left }) => (
          <span key={tick} class="tick" style={{ left: `${left}%` }}>
            {formatTick(tick)}
          </span>
        ))}
    </span>
  );
}

/** A turn that is still running has a scale that ends now. No scale is shorter than `leastSeconds`. */
export function scaleOf(turn: Turn, nowSeconds: number, leastSeconds: number): TimeScale {
  const end = isLive(turn, nowSeconds) ? Math.max(turn.end, nowSeconds) : turn.end;
  return toScale(turn.start, Math.max(end, turn.start + leastSeconds));
}

export function isLive(turn: Turn, nowSeconds: number): boolean {
  return isStillRunning(turn.sums.running, turn.end * 1000, nowSeconds * 1000);
}
