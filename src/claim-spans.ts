/**
 * One span, one log, also where this package is set up twice: after a hot reload, in two layers of a framework, from
 * two copies in `node_modules`. The first processor or exporter that sees a span has it; a second one with the same
 * settings leaves it alone. What is set up to log elsewhere, or other spans, is no rival.
 */
import { createHash } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import type { ResolvedOptions } from './options.ts';

/** Owners of spans by settings. Nothing is written to the spans, and nothing keeps them alive. */
interface Claims {
  readonly owners: Map<string, WeakMap<object, object>>;
  hasWarned: boolean;
}

/** Copies of the package share nothing but the global object. */
const CLAIMS = Symbol.for('humanloop-otel claims');

/** Whether the owner has the span, which it has from then on if nobody had it before. */
export type Claim = (span: object) => boolean;

export function createClaim(owner: object, options: ResolvedOptions): Claim {
  const claims = sharedClaims();
  const settings = fingerprint(options);
  let owners = claims.owners.get(settings);
  if (!owners) {
    owners = new WeakMap();
    claims.owners.set(settings, owners);
  }
  const mine = owners;
  return (span) => {
    if (typeof span !== 'object' || span === null) return true;
    const present = mine.get(span);
    if (present === undefined) mine.set(span, owner);
    if (present === undefined || present === owner) return true;
    if (!claims.hasWarned) diag.warn('humanloop-otel: set up twice with the same settings; each span is logged once');
    claims.hasWarned = true;
    return false;
  };
}

function sharedClaims(): Claims {
  const shared = globalThis as { [CLAIMS]?: Claims };
  if (!shared[CLAIMS]) {
    const value: Claims = { owners: new Map(), hasWarned: false };
    Object.defineProperty(shared, CLAIMS, { value });
  }
  return shared[CLAIMS] as Claims;
}

/** What decides where logs go and which spans are logs. A hash, since the API key is part of it. */
function fingerprint({ apiKey, baseUrl, project, environment, include, conventions }: ResolvedOptions): string {
  const names = conventions?.map(({ name }) => name);
  const settings = [apiKey, baseUrl, String(project), environment, String(include), names];
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64');
}
