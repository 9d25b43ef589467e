/** Sessions in one line each: `agent(model! tool! model!)`. `!` marks logs with content; those of type `generic` are left out. */
import type { LogResponse } from '../../src/wire/v4.ts';

export function formatSession(logs: readonly LogResponse[]): string {
  const sorted = [...logs].sort((a, b) => Date.parse(a.created_at ?? '') - Date.parse(b.created_at ?? ''));
  const isChild = new Set(sorted.map(({ id }) => id));
  const format = (parent: string | undefined): string =>
    sorted
      .filter(({ parent_id: id }) => (id && isChild.has(id) ? id : undefined) === parent)
      .map((log) => {
        const children = format(log.id);
        if (log.config?.type === 'generic') return children;
        return `${log.config?.type}${hasContent(log) ? '!' : ''}${children && `(${children})`}`;
      })
      .filter(Boolean)
      .join(' ');
  return format(undefined);
}

export function groupBySession(logs: readonly LogResponse[]): LogResponse[][] {
  const sessions = new Map<string, LogResponse[]>();
  for (const log of logs)
    sessions.set(log.session_id ?? log.id, [...(sessions.get(log.session_id ?? log.id) ?? []), log]);
  return [...sessions.values()];
}

function hasContent({ config, messages, inputs, output, output_message: message }: LogResponse): boolean {
  const hasOutput = Boolean(output) || (message?.tool_calls?.length ?? 0) > 0;
  const hasInput = config?.type === 'model' ? (messages?.length ?? 0) > 0 : Object.keys(inputs ?? {}).length > 0;
  return hasInput && hasOutput;
}
