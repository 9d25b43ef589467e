/** Which project the logs of a request belong to. */
import type { IncomingHttpHeaders } from 'node:http';
import { MAX_NAME_CHARS } from '../../../conventions/values/attributes.ts';
import type { ResourceSlice } from '../../../otel/span-slice.ts';

/** SDKs fill in this and the path of a program if they do not know a name. */
const UNKNOWN_SERVICE = 'unknown_service';
/** Of spans that nobody has named. */
const DEFAULT_PROJECT = 'default';

/** Returns the project that the header `x-humanloop-project` names, for all spans of the request. */
export function projectOfHeaders(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['x-humanloop-project'];
  return typeof header === 'string' ? nameIn(fromUtf8(header)) : undefined;
}

export function projectOfResource({ attributes }: ResourceSlice): string {
  const service = nameIn(attributes['service.name']);
  const named = service?.startsWith(UNKNOWN_SERVICE) ? undefined : service;
  return nameIn(attributes['humanloop.project']) ?? named ?? DEFAULT_PROJECT;
}

function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value.trim().slice(0, MAX_NAME_CHARS).toWellFormed() || undefined : undefined;
}

/** Node reads headers as Latin-1. SDKs send the bytes of UTF-8. */
function fromUtf8(header: string): string {
  const text = Buffer.from(header, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? header : text;
}
