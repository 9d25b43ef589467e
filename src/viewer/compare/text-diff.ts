/** Two texts in two columns: changed lines beside each other, with the words that differ. Pure. */
import { diffLines, diffWordsWithSpace } from 'diff';

export interface DiffPiece {
  readonly text: string;
  readonly isChanged: boolean;
}

export interface DiffRow {
  readonly kind: 'same' | 'changed' | 'removed' | 'added';
  readonly left?: DiffPiece[];
  readonly right?: DiffPiece[];
}

/** Longer texts are shown without a diff, so that the page keeps responding. */
const MAX_CHARACTERS = 300_000;
const MAX_LINE_CHARACTERS = 5_000;
const TIMEOUT_MILLIS = 400;

/** Returns undefined if the texts are too long or too different. */
export function diffTexts(left: string, right: string): DiffRow[] | undefined {
  if (left.length + right.length > MAX_CHARACTERS) return undefined;
  // Without a line end of its own, the last line would differ from the same line in the middle.
  const changes = diffLines(`${left}\n`, `${right}\n`, { timeout: TIMEOUT_MILLIS });
  if (!changes) return undefined;
  const rows: DiffRow[] = [];
  for (let index = 0; index < changes.length; index += 1) {
    const change = changes[index]!;
    const next = changes[index + 1];
    if (!change.added && !change.removed) {
      for (const line of toLines(change.value)) rows.push({ kind: 'same', left: plain(line), right: plain(line) });
    } else if (change.removed && next?.added) {
      rows.push(...pair(toLines(change.value), toLines(next.value)));
      index += 1;
    } else rows.push(...(change.removed ? pair(toLines(change.value), []) : pair([], toLines(change.value))));
  }
  return rows;
}

function pair(left: readonly string[], right: readonly string[]): DiffRow[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index): DiffRow => {
    const before = left[index];
    const after = right[index];
    if (before === undefined) return { kind: 'added', right: plain(after!) };
    if (after === undefined) return { kind: 'removed', left: plain(before) };
    return { kind: 'changed', ...diffWords(before, after) };
  });
}

function diffWords(before: string, after: string): { left: DiffPiece[]; right: DiffPiece[] } {
  const isShort = before.length + after.length <= MAX_LINE_CHARACTERS;
  const words = isShort ? diffWordsWithSpace(before, after) : [];
  if (words.length === 0)
    return { left: [{ text: before, isChanged: true }], right: [{ text: after, isChanged: true }] };
  const side = (skip: 'added' | 'removed', take: 'added' | 'removed') =>
    words.filter((word) => !word[skip]).map((word) => ({ text: word.value, isChanged: word[take] }));
  return { left: side('added', 'removed'), right: side('removed', 'added') };
}

function plain(text: string): DiffPiece[] {
  return [{ text, isChanged: false }];
}

function toLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
