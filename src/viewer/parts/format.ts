/** Formats numbers, times and untrusted one-line texts. Pure. */

export function formatSeconds(seconds: number): string {
  if (seconds === 0) return '0 ms';
  if (seconds < 0.001) return '<1 ms';
  if (seconds < 0.9995)
    return `${seconds < 0.01 ? Number((seconds * 1000).toPrecision(2)) : Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds < 9.995 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} m ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Formats a round time for a ruler, without trailing zeros. */
export function formatTick(seconds: number): string {
  return seconds === 0
    ? '0'
    : formatSeconds(seconds)
        .replace(/\.0+ /, ' ')
        .replace(/(\.\d*?)0+ /, '$1 ');
}

export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  if (count < 10_000) return `${Math.floor(count / 1000)},${digits(count % 1000, 3)}`;
  if (count < 999_500) return `${(count / 1000).toFixed(count < 99_950 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** v4 names no currency; everybody means dollars. */
export function formatCost(cost: number): string {
  if (cost === 0) return '$0';
  return cost < 0.01 ? `$${Number(cost.toPrecision(2))}` : `$${cost.toFixed(2)}`;
}

export function formatTokens(prompt: number | undefined, output: number | undefined): string | undefined {
  if (prompt === undefined && output === undefined) return undefined;
  const part = (tokens: number | undefined) => (tokens === undefined ? '?' : formatCount(tokens));
  return `${part(prompt)} → ${part(output)}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** Says how long ago, up to a day; then the date. */
export function formatAge(time: string, nowMillis: number): string {
  const date = new Date(time);
  const seconds = (nowMillis - date.getTime()) / 1000;
  if (seconds < 10) return 'now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const isThisYear = date.getFullYear() === new Date(nowMillis).getFullYear();
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  return isThisYear ? day : `${day} ${date.getFullYear()}`;
}

/** In the reader's zone. Written by hand, since `Intl` takes longer than everything else in a row. */
export function formatTime(time: string): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${digits(date.getMonth() + 1)}-${digits(date.getDate())} ${formatClock(time)}`;
}

export function formatClock(time: string): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => digits(part)).join(':');
}

function digits(number: number, count = 2): string {
  return String(number).padStart(count, '0');
}

/** Zero-width and direction-changing characters can make a text look like another, or like nothing. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u17b4\u17b5\u3164\uffa0]+/gu;

/** Makes an untrusted text fit for one line: what cannot be seen becomes a space. Never returns an empty text. */
export function toVisibleText(text: string): string {
  const visible = text.replace(INVISIBLE, ' ').trim();
  return visible === '' ? '(no visible text)' : visible;
}
