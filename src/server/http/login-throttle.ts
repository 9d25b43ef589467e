/** Slows down guesses of the API key: from one address some at once, and then one every few seconds. */
import { isIPv6 } from 'node:net';

const GUESSES = 10;
const REFILL_MILLIS = 6_000;
/** Those that have guessed longest ago are forgotten first. */
const MAX_ADDRESSES = 10_000;

export interface LoginThrottle {
  /** Counts a guess. Returns the seconds to wait, if it may not be tried yet. */
  guess(address: string, nowMillis?: number): number | undefined;
  /** The guess was right: those before it were typing errors. */
  forget(address: string): void;
  /** Addresses that are remembered. */
  readonly size: number;
}

export function createLoginThrottle(): LoginThrottle {
  /** By address: when all its guesses are worked off. In the order of the last guess. */
  const freeAt = new Map<string, number>();
  return {
    guess: (address, nowMillis = performance.now()) => {
      const network = toNetwork(address);
      const busyUntil = Math.max(freeAt.get(network) ?? 0, nowMillis) + REFILL_MILLIS;
      const waitMillis = busyUntil - nowMillis - GUESSES * REFILL_MILLIS;
      if (waitMillis > 0) return Math.ceil(waitMillis / 1000);
      freeAt.delete(network);
      freeAt.set(network, busyUntil);
      for (const oldest of freeAt.keys()) {
        if (freeAt.size <= MAX_ADDRESSES) break;
        freeAt.delete(oldest);
      }
      return undefined;
    },
    forget: (address) => freeAt.delete(toNetwork(address)),
    get size() {
      return freeAt.size;
    },
  };
}

/** With IPv6, everyone has a whole network of 64 bits. */
function toNetwork(address: string): string {
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (mapped || !isIPv6(address)) return mapped ?? address.slice(0, 100);
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length;
  const all = [...groups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
