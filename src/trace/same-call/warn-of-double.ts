/** Says once per process which two instrumentations report the same calls, and how to do without one of them. */
import { Warnings } from '../../host/warnings.ts';

const warnings = new Warnings();

/** `kept` and `dropped` are scopes of instrumentations. */
export function warnOfDouble(kept: string, dropped: string): void {
  if (kept === dropped || !kept || !dropped) return;
  const topic = [kept, dropped].sort().join(' ');
  if (warnings.isSuppressed(topic)) return;
  warnings.warn(
    topic,
    `two instrumentations report the same calls: '${kept}' and '${dropped}'. Each call is logged once, as far as ` +
      `that can be told: better remove the second (${howToRemove(dropped)})`,
  );
}

function howToRemove(scope: string): string {
  if (scope.startsWith('com.anthropic.sdk')) return 'ANTHROPIC_OPEN_TELEMETRY=false';
  const name = /^@opentelemetry\/instrumentation-([\w-]+)$/.exec(scope)?.[1];
  if (name) return `do not register it, or set OTEL_NODE_DISABLED_INSTRUMENTATIONS=${name}`;
  return 'do not register it';
}
