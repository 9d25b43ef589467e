/** Logs that came by the v4 API, and may be below spans that came by OTLP. Pure. */
import { traceIdOf } from '../../wire/reference-id.ts';
import { remoteParentOf } from '../../wire/remote-parent.ts';
import type { LogRequest } from '../../wire/v4.ts';

/** Returns the traces in which a log names a parent that is not of the same request. */
export function tracesOfStrangers(requests: readonly LogRequest[]): string[] {
  const own = new Set(requests.map(({ reference_id: reference }) => reference));
  const found = new Set<string>();
  for (const { parent_reference_id: parent } of requests) {
    const traceId = parent && !own.has(parent) ? traceIdOf(parent) : undefined;
    if (traceId !== undefined) found.add(traceId);
  }
  return [...found].sort();
}

/** Returns the traces of logs at the top that say of which span in another process they are below. */
export function tracesOfCallers(requests: readonly LogRequest[]): string[] {
  return [...new Set(requests.flatMap((request) => traceIdOf(remoteParentOf(request) ?? '') ?? []))];
}

/** Returns the requests with those spans as parents, in the given traces or all. */
export function belowCallers(
  requests: readonly LogRequest[],
  traceIds: ReadonlySet<string> | undefined,
): readonly LogRequest[] {
  return requests.map((request) => {
    const parent = remoteParentOf(request);
    if (parent === undefined || traceIds?.has(traceIdOf(parent) as string) === false) return request;
    return { ...request, parent_reference_id: parent };
  });
}
