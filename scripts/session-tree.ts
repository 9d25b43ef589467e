/** Logs as text: each session a tree of its logs, one line a log. Pure. */
import { styleText } from 'node:util';
import { labelOf } from '../src/viewer/tree/log-label.ts';
import type { LogResponse } from '../src/wire/v4.ts';

export interface TreeFormat {
  /** Columns of the terminal; longer lines end in an ellipsis. */
  readonly width: number;
  readonly color: boolean;
}

interface Row {
  readonly log: LogResponse;
  /** The lines of the tree, from the root down to this log: `│  └─ `. */
  readonly branch: string;
  readonly cells: readonly string[];
  readonly text: string;
}

/** Sessions and siblings in order of their start. */
export function formatSessions(logs: readonly LogResponse[], format: TreeFormat): string {
  const sessions = new Map<string, LogResponse[]>();
  for (const log of [...logs].sort(byStart))
    sessions.set(sessionOf(log), [...(sessions.get(sessionOf(log)) ?? []), log]);
  const forest = [...sessions].map(([session, members]) => ({ session, rows: toRows(members) }));
  // One set of column widths for all sessions, so that the eye can run down a column.
  const allCells = forest.flatMap(({ rows }) => rows.map(({ cells }) => cells));
  const widths = [0, 1, 2].map((column) => Math.max(0, ...allCells.map((cells) => cells[column]?.length ?? 0)));
  const style = (name: Parameters<typeof styleText>[0], text: string) =>
    format.color && text ? styleText(name, text, { validateStream: false }) : text;

  return forest
    .map(({ session, rows }) => {
      const count = `${rows.length} ${rows.length === 1 ? 'log' : 'logs'}`;
      const lines = rows.map((row) => formatRow(row, widths, format.width, style));
      return [`${style('bold', session)}  ${style('dim', count)}`, ...lines].join('\n');
    })
    .join('\n\n');
}

/** The signs that `formatSessions` uses for these logs, explained. */
export function formatLegend(logs: readonly LogResponse[]): string {
  const late = completedLate(logs);
  const parts = ['tokens: prompt → output'];
  if (logs.some(({ error }) => error)) parts.push('✗ failed');
  if (late.size > 0) parts.push('↻ logged while it ran, completed later by update_by_ref');
  return parts.join('   ');
}

function formatRow(
  { log, branch, cells, text }: Row,
  widths: readonly number[],
  width: number,
  style: (name: Parameters<typeof styleText>[0], text: string) => string,
): string {
  const [name = '', seconds = '', tokens = ''] = cells.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
  );
  const numbers = [seconds, tokens].join('  ');
  const room = Math.max(0, width - name.length - numbers.length - 4);
  const tree = style('dim', branch) + style(log.error ? 'red' : 'cyan', name.slice(branch.length));
  return `${tree}  ${style('dim', numbers)}  ${style(log.error ? 'red' : 'reset', ellipsis(text, room))}`.trimEnd();
}

function toRows(logs: readonly LogResponse[]): Row[] {
  const parentOf = parents(logs);
  const late = completedLate(logs);
  const rows: Row[] = [];
  const seen = new Set<LogResponse>();
  const add = (siblings: readonly LogResponse[], indent: string) => {
    siblings.forEach((log, index) => {
      seen.add(log);
      const isLast = index === siblings.length - 1;
      const branch = `${indent}${isLast ? '└─ ' : '├─ '}`;
      rows.push(toRow(log, branch, late.has(log)));
      const children = logs.filter((child) => parentOf.get(child) === log && !seen.has(child));
      add(children, `${indent}${isLast ? '   ' : '│  '}`);
    });
  };
  add(
    logs.filter((log) => !parentOf.has(log)),
    '',
  );
  // Logs that name each other as parent have no root; each starts a tree where it comes first.
  for (const log of logs) if (!seen.has(log)) add([log], '');
  return rows;
}

function toRow(log: LogResponse, branch: string, isLate: boolean): Row {
  const label = `${branch}${(log.config?.type ?? 'log').padEnd(7)}  ${nameOf(log)}`.trimEnd();
  const seconds = typeof log.duration === 'number' ? `${log.duration.toFixed(2)} s` : 'running';
  const { prompt_tokens: prompt, output_tokens: output } = log;
  const tokens = prompt == null && output == null ? '' : `${prompt ?? '?'} → ${output ?? '?'}`;
  const mark = log.error ? '✗ ' : isLate ? '↻ ' : '';
  return { log, branch, cells: [label, seconds, tokens], text: mark + outcomeOf(log) };
}

function outcomeOf(log: LogResponse): string {
  const calls = log.output_message?.tool_calls?.map((call) => call.function.name) ?? [];
  const text = log.error || log.output || (calls.length > 0 ? `calls ${calls.join(', ')}` : '');
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** The name, with the model where both are known: `trip-planner (gpt-4o-mini)`. */
function nameOf(log: LogResponse): string {
  const { type, name, model } = labelOf(log);
  // Nothing is known that the column of the types does not say.
  if (!log.config || name === type) return '';
  return model && name !== model ? `${name} (${model})` : name;
}

function sessionOf(log: LogResponse): string {
  return log.session_reference_id ?? log.session_id ?? 'no session';
}

/** From child to parent, where both are among these logs. */
function parents(logs: readonly LogResponse[]): Map<LogResponse, LogResponse> {
  const byName = new Map<string, LogResponse>();
  for (const log of logs) {
    byName.set(log.id, log);
    if (log.reference_id) byName.set(log.reference_id, log);
  }
  const result = new Map<LogResponse, LogResponse>();
  for (const log of logs) {
    const parent = byName.get(log.parent_id ?? '') ?? byName.get(log.parent_reference_id ?? '');
    if (parent && parent !== log) result.set(log, parent);
  }
  return result;
}

/** A parent is stored before its children: one that changed after a child was stored has been updated since. */
function completedLate(logs: readonly LogResponse[]): Set<LogResponse> {
  const late = new Set<LogResponse>();
  for (const [child, parent] of parents(logs)) if (parent.updated_at > child.updated_at) late.add(parent);
  return late;
}

function byStart(one: LogResponse, other: LogResponse): number {
  return Date.parse(one.created_at ?? '') - Date.parse(other.created_at ?? '') || 0;
}

function ellipsis(text: string, width: number): string {
  const characters = [...text];
  return characters.length > width ? `${characters.slice(0, Math.max(0, width - 1)).join('')}…` : text;
}
