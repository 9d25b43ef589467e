/**
 * What an app that may be killed at any moment writes about its spans. Each line is appended at once, so that it is there
 * after a SIGKILL.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface SpanRecord {
  readonly reference: string;
  /** Reference ids of the logs above it, nearest first. */
  readonly ancestors: readonly string[];
  readonly isPoison: boolean;
  /** `end()` was about to be called, or was called. */
  isEnding: boolean;
  /** `end()` has returned. */
  isEnded: boolean;
  /** Since then `fsyncMillis` and a few turns of the event loop have passed in the app. */
  isSafe: boolean;
}

export type DiaryLine =
  | {
      readonly what: 'started';
      readonly reference: string;
      readonly ancestors: readonly string[];
      readonly isPoison: boolean;
    }
  | { readonly what: 'ending' | 'ended' | 'safe'; readonly reference: string }
  | { readonly what: 'dropped'; readonly references: readonly string[]; readonly reason: string }
  | { readonly what: 'done'; readonly stats: unknown };

export class Diary {
  readonly spans = new Map<string, SpanRecord>();
  readonly dropped: { reference: string; reason: string }[] = [];
  stats: { dropped: Record<string, number>; logged: number; queued: number; spooled: number } | undefined;

  constructor(file: string) {
    if (!existsSync(file)) return;
    for (const text of readFileSync(file, 'utf8').split('\n')) if (text.endsWith('}')) this.#note(JSON.parse(text));
  }

  #note(line: DiaryLine): void {
    if (line.what === 'dropped') {
      for (const reference of line.references) this.dropped.push({ reference, reason: line.reason });
    } else if (line.what === 'done') {
      this.stats = line.stats as Diary['stats'];
    } else if (line.what === 'started') {
      const { reference, ancestors, isPoison } = line;
      this.spans.set(reference, { reference, ancestors, isPoison, isEnding: false, isEnded: false, isSafe: false });
    } else {
      const span = this.spans.get(line.reference) as SpanRecord;
      if (line.what === 'ending') span.isEnding = true;
      if (line.what === 'ended') span.isEnded = true;
      if (line.what === 'safe') span.isSafe = true;
    }
  }
}

export function writeDiary(file: string, line: DiaryLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}
