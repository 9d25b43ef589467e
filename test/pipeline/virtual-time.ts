/**
 * Time that passes only when a test says so, and then at once: an hour costs what happens in it. Chance comes from a
 * seed. So what is played in it is the same each time, and a failure can be made smaller and looked at again.
 */
import { vi } from 'vitest';
import { Random } from '../support/random.ts';

const realImmediate = setImmediate;
const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const;

/** More than a slice of work may take. */
export const BUSY_MILLIS = 5;

export interface VirtualTime {
  /** Milliseconds since the start. */
  readonly nowMillis: number;
  /** Plays all that happens within the given time. */
  pass(millis: number): Promise<void>;
  /** Plays one turn of the event loop; no time passes. */
  turn(): Promise<void>;
  /** Plays until the promise is settled, and gives what it gives. */
  until<Result>(work: Promise<Result>): Promise<Result>;
}

/** Longer than anything here should take: whoever waits for more waits for what never comes. */
const MAX_WAIT_MILLIS = 3_600_000;

/**
 * Where a machine is `busy`, one look at the clock in four shows it `BUSY_MILLIS` ahead. What works in slices of a few
 * milliseconds is then interrupted at many places.
 */
export async function inVirtualTime(
  { seed, isBusy }: { seed: number; isBusy: boolean },
  play: (time: VirtualTime) => Promise<void>,
): Promise<void> {
  vi.useFakeTimers({ toFake: [...FAKED, 'Date', 'performance'], now: Date.UTC(2026, 0, 1) });
  const random = new Random(seed);
  const chance = vi.spyOn(Math, 'random').mockImplementation(() => random.next());
  const read = performance.now.bind(performance);
  const now = vi.spyOn(performance, 'now');
  if (isBusy) now.mockImplementation(() => read() + (random.chance(0.25) ? BUSY_MILLIS : 0));
  try {
    await play(createTime());
  } finally {
    now.mockRestore();
    chance.mockRestore();
    vi.useRealTimers();
  }
}

function createTime(): VirtualTime {
  const startMillis = Date.now();
  const playUntil = async (isOver: () => boolean): Promise<void> => {
    await promisesDone();
    while (!isOver()) {
      vi.advanceTimersToNextTimer();
      await promisesDone();
    }
  };
  return {
    get nowMillis() {
      return Date.now() - startMillis;
    },
    async pass(millis) {
      let isOver = false;
      setTimeout(() => {
        isOver = true;
      }, millis);
      await playUntil(() => isOver);
    },
    async turn() {
      let isOver = false;
      setImmediate(() => {
        isOver = true;
      });
      await playUntil(() => isOver);
    },
    async until(work) {
      const atMostMillis = Date.now() + MAX_WAIT_MILLIS;
      let isOver = false;
      const over = () => {
        isOver = true;
      };
      work.then(over, over);
      await playUntil(() => isOver || Date.now() > atMostMillis || vi.getTimerCount() === 0);
      if (!isOver) throw new Error('this never comes to an end');
      return await work;
    },
  };
}

/** All that promises lead to, without a timer, has happened by the next real turn of the event loop. */
function promisesDone(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}
