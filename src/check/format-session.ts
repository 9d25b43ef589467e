/** The logs of a session as text: one line a log, children below their parents and further to the right. Pure. */
import type { LogResponse } from '../wire/v4.ts';

const TEXT_LENGTH = 60;

export function formatSession(logs: readonly LogResponse[]): string[] {
  const byStart = [...logs].sort((a, b) => Date.parse(a.created_at ?? '') - Date.parse(b.created_at ?? '') || 0);
  const ids = new Set(logs.map(({ id }) => id));
  const lines: string[] = [];
  const written = new Set<string>();
  const write = (log: LogResponse, depth: number) => {
    if (written.has(log.id)) return;
    written.add(log.id);
    lines.push('  '.repeat(depth) + describe(log));
    for (const child of byStart) if (child.parent_id === log.id) write(child, depth + 1);
  };
  for (const log of byStart) if (!log.parent_id || !ids.has(log.parent_id)) write(log, 0);
  // Logs that name each other as parents.
  for (const log of byStart) write(log, 0);
  return lines;
}

function describe(log: LogResponse): string {
  const { config, duration, error, output, prompt_tokens: prompt, output_tokens: answer } = log;
  const named = config as { type?: string; name?: string; model?: string; agent_class?: string } | null | undefined;
  const name = named?.name ?? named?.model ?? named?.agent_class ?? '';
  const time = typeof duration === 'number' ? `${duration.toFixed(2)} s` : 'running';
  const tokens = prompt == null && answer == null ? '' : `${prompt ?? '?'} → ${answer ?? '?'} tokens`;
  const text = error ? `✗ ${error}` : (output ?? '');
  return [named?.type ?? 'log', name, time, tokens, shorten(text)].filter(Boolean).join('  ');
}

function shorten(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, ' ').trim()];
  return characters.length > TEXT_LENGTH ? `${characters.slice(0, TEXT_LENGTH - 1).join('')}…` : characters.join('');
}
