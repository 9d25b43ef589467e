/** Environment variables that `register` reads, or sets for instrumentations where the app has not. */

/** Variables that switch content on. Instrumentations that are not listed have it by default. */
const CONTENT: Readonly<Record<string, string>> = {
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true',
  ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE: 'content',
};

/** Switches content on, unless the app has decided, for the instrumentations or for the logs. */
export function captureContent(env: NodeJS.ProcessEnv = process.env): void {
  if (env['HUMANLOOP_CAPTURE_CONTENT'] === 'false') return;
  for (const [name, value] of Object.entries(CONTENT)) env[name] ||= value;
}

export function isDisabled(env: NodeJS.ProcessEnv = process.env): boolean {
  return isTrue(env['OTEL_SDK_DISABLED']);
}

/** No line is printed, neither at the start nor as a warning. */
export function isQuiet(env: NodeJS.ProcessEnv = process.env): boolean {
  return isTrue(env['HUMANLOOP_QUIET']) || env['HUMANLOOP_QUIET'] === '1';
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true';
}
