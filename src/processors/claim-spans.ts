/**
 * One span, one log, also where this package is set up twice: after a hot reload, in two layers of a framework, from
 * two copies in `node_modules`. The first processor or exporter that sees a span has it; a second one with the same
 * settings leaves it alone. What is set up to log elsewhere, or other spans, is no rival.
 */
import { createHash } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import type { ResolvedOptions } from '../options.ts';

/** Whoever follows spans, and can say which of them it has now. */
export interface Claimant {
  readonly isShutDown: boolean;
  unsettledSpans(): Iterable<object>;
}

/** All that were set up with the same settings. */
interface Rivals {
  readonly claimants: WeakRef<Claimant>[];
  /** Who has which span. Absent as long as there is but one claimant, which then need not ask for each span. */
  owners: WeakMap<object, Claimant> | undefined;
}

interface Claims {
  readonly rivals: Map<string, Rivals>;
  hasWarned: boolean;
}

/** Copies of the package share nothing but the global object. Nothing is written to the spans. */
const CLAIMS = Symbol.for('humanloop-otel claims');

/** Whether the claimant has the span, which it has from then on if nobody had it before. */
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

/** What decides where logs go and which spans are logs. A hash, since the API key is part of it. */
function fingerprint({ apiKey, baseUrl, project, environment, include, conventions }: ResolvedOptions): string {
  const names = conventions?.map(({ name }) => name);
  const settings = [apiKey, baseUrl, String(project), environment, String(include), names];
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64');
}
