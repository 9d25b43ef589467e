/** Reads durations and sizes as people write them. */

const DURATIONS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_557_600 };
/** Decimal, as disks are sold; those with an i are binary. */
const SIZES: Readonly<Record<string, number>> = {
  ...{ b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** What a duration looks like, for messages. */
export const DURATION_FORM = 'a number with a unit of s, m, h, d, w or y, such as 30d';
export const SIZE_FORM = 'a number with a unit of kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 20GB';

/** Returns milliseconds; `undefined` for a text without a number or a unit. */
export function parseDuration(text: string): number | undefined {
  const seconds = parse(text, DURATIONS);
  return seconds && Math.round(seconds * 1000);
}

/** Returns bytes; `undefined` for a text without a number or a unit. */
export function parseSize(text: string): number | undefined {
  const bytes = parse(text, SIZES);
  return bytes && Math.round(bytes);
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}
