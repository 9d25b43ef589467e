/** Which project a log belongs to. */
import { MAX_NAME_CHARS } from '../conventions/values/attributes.ts';
import { nameOfApp } from '../host/app-package.ts';
import { callHook } from '../host/call-hook.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SpanSlice } from '../otel/span-slice.ts';

const UNKNOWN_PROJECT = 'unknown_service';

/**
 * Returns the option, else the name that the span's resource has, else that of OpenTelemetry's variables, else that of
 * the app's package. SDKs fill in `unknown_service:` and the path of a program if they do not know a name.
 */
export function projectOf(
  { project, serviceName }: Pick<ResolvedOptions, 'project' | 'serviceName'>,
  span: SpanSlice | undefined,
): string {
  if (typeof project === 'string') return project;
  const chosen = span && project && callHook('project', () => project(span));
  if (typeof chosen === 'string' && chosen) return chosen;
  const name = span?.resource?.attributes['service.name'];
  if (typeof name === 'string' && name && !name.startsWith(UNKNOWN_PROJECT)) return name.slice(0, MAX_NAME_CHARS);
  return serviceName ?? nameOfApp() ?? UNKNOWN_PROJECT;
}
