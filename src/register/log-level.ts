/** `OTEL_LOG_LEVEL`, as NodeSDK reads it: what OpenTelemetry and the instrumentations report goes to the console. */
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';

/** Where the API keeps what is registered. `diag` does not tell whether it has a logger. */
const API = Symbol.for('opentelemetry.js.api.1');

/** Does nothing without the variable, with a value that is no level, and where the app has set a logger. */
export function applyLogLevel(env: NodeJS.ProcessEnv = process.env): void {
  const logLevel = DiagLogLevel[env['OTEL_LOG_LEVEL']?.trim().toUpperCase() as keyof typeof DiagLogLevel];
  const registered = (globalThis as { [API]?: { diag?: unknown } })[API];
  if (typeof logLevel !== 'number' || registered?.diag) return;
  diag.setLogger(new DiagConsoleLogger(), { logLevel });
}
