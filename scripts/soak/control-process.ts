/**
 * A process that does nothing but wait for a timer and write a few bytes to the disk. Whatever delays it delays everybody
 * on this machine. It reports each delay with its times. `soak/machine.ts` starts it.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

export interface Delay {
  readonly kind: 'timer' | 'disk';
  /** By `Date.now()`. */
  readonly from: number;
  readonly to: number;
}

const TICK_MILLIS = 10;
/** In ticks. */
const WRITE_EVERY = 10;
const LEAST_MILLIS = 20;

const { FILE = '' } = process.env;
const descriptor = openSync(FILE, 'w');

const report = (kind: Delay['kind'], from: number): void => {
  const to = Date.now();
  if (to - from >= LEAST_MILLIS) process.send?.({ kind, from, to } satisfies Delay);
};

let due = Date.now() + TICK_MILLIS;
let ticks = 0;
setInterval(() => {
  report('timer', due);
  ticks += 1;
  if (ticks % WRITE_EVERY === 0) {
    const from = Date.now();
    writeSync(descriptor, 'a', 0);
    fsyncSync(descriptor);
    report('disk', from);
  }
  due = Date.now() + TICK_MILLIS;
}, TICK_MILLIS);

process.on('disconnect', () => {
  closeSync(descriptor);
  process.exit();
});
