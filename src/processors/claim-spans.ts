/**
 * Logs each span once, even if this package is set up twice: after a hot reload, in two layers of a framework, from two
 * copies in `node_modules`. The first processor or exporter that sees a span claims it; a second one with the same
 * settings leaves it alone. Instances that log to another server, or log other spans, do not compete.
 */
import { diag } from '@opentelemetry/api';
import type { ResolvedOptions } from '../options.ts';

/** What other instances need to know of one that logs spans. */
export interface SpanOwner {
  readonly isShutDown: boolean;
  unfinishedSpans(): Iterable<object>;
}

/** All instances with the same settings. Each span has one of them as its owner. */
interface SameSettings {
  readonly instances: WeakRef<SpanOwner>[];
  /** The owner of each span. Undefined while there is only one instance, which saves a look-up per span. */
  owners: WeakMap<object, SpanOwner> | undefined;
}

interface Claims {
  readonly bySettings: Map<string, SameSettings>;
  hasWarned: boolean;
}

/**
 * Kept on the global object, which is all that copies of the package share, such as its ES module and its CommonJS half.
 * Nothing is written to the spans. Copies of other versions read it too: when `Claims` or `SpanOwner` changes, the name
 * changes, so that each shape has a registry of its own.
 */
const CLAIMS = Symbol.for('humanloop-otel claims');

/** Claims the span for this instance; returns false if another instance already has it. */
export type Claim = (span: object) => boolean;

/** Returns the function with which `instance` claims spans. */
export function createClaim(instance: SpanOwner, options: ResolvedOptions): Claim {
  const claims = sharedClaims();
  const sameSettings = addInstance(claims, instance, fingerprint(options));
  return (span) => {
    const { owners } = sameSettings;
    if (!owners || typeof span !== 'object' || span === null) return true;
    const owner = owners.get(span);
    if (owner === undefined) owners.set(span, instance);
    if (owner === undefined || owner === instance) return true;
    if (!claims.hasWarned) diag.warn('humanloop-otel: set up twice with the same settings; each span is logged once');
    claims.hasWarned = true;
    return false;
  };
}

/** When a second instance comes, the first becomes the owner of the spans that it has not finished. */
function addInstance(claims: Claims, instance: SpanOwner, settings: string): SameSettings {
  const present = claims.bySettings.get(settings);
  const others = (present?.instances ?? []).filter((other) => other.deref()?.isShutDown === false);
  if (!present || others.length === 0) {
    const alone = { instances: [new WeakRef(instance)], owners: undefined };
    claims.bySettings.set(settings, alone);
    return alone;
  }
  if (!present.owners) {
    present.owners = new WeakMap();
    for (const other of others) {
      const first = other.deref();
      for (const span of first?.unfinishedSpans() ?? []) present.owners.set(span, first as SpanOwner);
    }
  }
  present.instances.push(new WeakRef(instance));
  return present;
}

function sharedClaims(): Claims {
  const shared = globalThis as { [CLAIMS]?: Claims };
  if (!shared[CLAIMS]) {
    const value: Claims = { bySettings: new Map(), hasWarned: false };
    Object.defineProperty(shared, CLAIMS, { value });
  }
  return shared[CLAIMS] as Claims;
}

/**
 * Identifies the settings that decide where logs go and which spans are logs. Hashed, since it contains the API key.
 *
 * `node:crypto` is not imported: as an ES module it loads all that it has, which takes a millisecond of the app's start.
 */
function fingerprint({ apiKey, baseUrl, project, environment, include, conventions }: ResolvedOptions): string {
  const names = conventions?.map(({ name }) => name);
  const settings = [apiKey, baseUrl, String(project), environment, String(include), names];
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64');
}
