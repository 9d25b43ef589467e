import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { onTestFinished } from 'vitest';

/** Collects the warnings and errors that `diag` gets during this test. */
export function collectDiag(onLine: (line: string) => void = () => undefined): { lines: string[] } {
  const lines: string[] = [];
  const note = (...args: unknown[]) => {
    const line = args.map(String).join(' ');
    lines.push(line);
    onLine(line);
  };
  const ignore = () => undefined;
  const logger: DiagLogger = { error: note, warn: note, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  return { lines };
}
