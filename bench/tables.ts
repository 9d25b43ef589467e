/** Formats figures as text and tables as Markdown. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader has to know to understand the figures. */
  readonly note?: string;
}

/** @param conditions under which the figures were measured, as a sentence. */
export function toMarkdown({ title, head, rows, note, conditions }: Table & { conditions: string }): string {
  const widths = head.map((cell, column) => Math.max(...[cell, ...rows.map((row) => row[column] ?? '')].map(length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const table = [`### ${title}`, '', conditions, '', line(head), rule, ...rows.map(line)];
  return `${[...table, ...(note ? ['', note] : [])].join('\n')}\n`;
}

export function number(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function ratio(value: number): string {
  return number(value, 2);
}

export function millis(value: number): string {
  return number(value, value < 10 ? 1 : 0);
}

export function micros(value: number): string {
  return number(value, value < 100 ? 1 : 0);
}

export function percent(share: number): string {
  return share === 0 ? '0' : `${number(share * 100, 1)} %`;
}

function length(text: string): number {
  return text.length;
}
