/**
 * Logs each span once, even if this package is set up twice: after a hot reload, in two layers of a framework, from two
 * copies in `node_modules`. The first processor or exporter that sees a span claims it; a second one with the same
 * settings leaves it alone. Instances that log to another server, or log other spans, do not compete.
 */
import { createHash } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import type { ResolvedOptions } from '../options.ts';

/** A pipeline that follows spans and can list those it has now. */
export interface Claimant {
  readonly isShutDown: boolean;
  unsettledSpans(): Iterable<object>;
}

/** All instances with the same settings. */
interface Rivals {
  readonly claimants: WeakRef<Claimant>[];
  /** The owner of each span. Absent while there is only one claimant, which saves a look-up per span. */
  owners: WeakMap<object, Claimant> | undefined;
}

interface Claims {
  readonly rivals: Map<string, Rivals>;
  hasWarned: boolean;
}

/** Kept on the global object, which is all that copies of the package share. Nothing is written to the spans. */
const CLAIMS = Symbol.for('humanloop-otel claims');

/** Claims the span for this instance; returns false if another instance already has it. */
export type Claim = (span: object) => boolean;

export function createClaim(claimant: Claimant, options: ResolvedOptions): Claim {
  const claims = sharedClaims();
  const rivals = joinRivals(claims, claimant, fingerprint(options));
  return (span) => {
    const { owners } = rivals;
    if (!owners || typeof span !== 'object' || span === null) return true;
    const present = owners.get(span);
    if (present === undefined) owners.set(span, claimant);
    if (present === undefined || present === claimant) return true;
    if (!claims.hasWarned) diag.warn('humanloop-otel: set up twice with the same settings; each span is logged once');
    claims.hasWarned = true;
    return false;
  };
}

function joinRivals(claims: Claims, claimant: Claimant, settings: string): Rivals {
  const present = claims.rivals.get(settings);
  const others = (present?.claimants ?? []).filter((other) => other.deref()?.isShutDown === false);
  if (!present || others.length === 0) {
    const alone = { claimants: [new WeakRef(claimant)], owners: undefined };
    claims.rivals.set(settings, alone);
    return alone;
  }
  if (!present.owners) {
    present.owners = new WeakMap();
    for (const other of others) {
      const first = other.deref();
      for (const span of first?.unsettledSpans() ?? []) present.owners.set(span, first as Claimant);
    }
  }
  present.claimants.push(new WeakRef(claimant));
  return present;
}

function sharedClaims(): Claims {
  const shared = globalThis as { [CLAIMS]?: Claims };
  if (!shared[CLAIMS]) {
    const value: Claims = { rivals: new Map(), hasWarned: false };
    Object.defineProperty(shared, CLAIMS, { value });
  }
  return shared[CLAIMS] as Claims;
}

/**
 * Identifies the settings that decide where logs go and which spans are logs. Hashed, since it contains the API key.
 */
function fingerprint({ apiKey, baseUrl, project, environment, include, conventions }: ResolvedOptions): string {
  const names = conventions?.map(({ name }) => name);
  const settings = [apiKey, baseUrl, String(project), environment, String(include), names];
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64');
}
