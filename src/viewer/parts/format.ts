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

/** v4 names no currency; everybody means dollars. Two digits that matter, so that a column of costs can be compared. */
export function formatCost(cost: number): string {
  if (cost === 0) return '$0';
  if (cost < 0) return `-${formatCost(-cost)}`;
  if (cost < 1e-6) return '<$0.000001';
  const rounded = Number(cost.toPrecision(2));
  if (rounded < 1) return `$${rounded.toFixed(Math.max(2, 1 - Math.floor(Math.log10(rounded))))}`;
  return cost < 1000 ? `$${cost.toFixed(2)}` : `$${formatCount(Math.round(cost))}`;
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
const INVISIBLE = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u17b4\u17b5\u3164\uffa0]+`;
/** Those that are part of how a word, an emoji or a flag is written. */
const SPELLING = [
  String.raw`(?<=[\p{L}\p{M}])[\u200c\u200d](?=[\p{L}\p{M}])`,
  String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})`,
  String.raw`\u{1f3f4}[\u{e0020}-\u{e007e}]{1,16}\u{e007f}`,
  // Arabic and Syriac signs that are drawn, though their category is that of the invisible.
  String.raw`[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]`,
].join('|');
const INVISIBLE_OR_SPELLING = new RegExp(`${SPELLING}|(${INVISIBLE})`, 'gu');

/** Makes an untrusted text fit for one line: what cannot be seen becomes a space. Never returns an empty text. */
export function toVisibleText(text: string): string {
  const isPlain = /^[ -~]*$/.test(text);
  const visible = isPlain
    ? text.trim()
    : text.replace(INVISIBLE_OR_SPELLING, (whole, invisible?: string) => (invisible ? ' ' : whole)).trim();
  return visible === '' ? '(no visible text)' : visible;
}

/** For `datetime-local`, which is in the reader's zone and does not name it. Empty for a text that is no time. */
export function toLocalInput(time: string): string {
  const date = new Date(time);
  if (time === '' || Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** From `datetime-local` to UTC, so that a link means the same time for every reader. */
export function fromLocalInput(value: string): string {
  const date = new Date(value);
  return value === '' || Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 16)}Z`;
}
