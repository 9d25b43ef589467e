/** Session, user and tags that all logs of a trace share, as far as they are known. */
import type { Arrival, Arrivals } from '../skeletons/arrival.ts';
import type { Skeleton, WrittenContext } from '../skeletons/skeleton.ts';
import type { Tree } from '../skeletons/tree.ts';

export type TraceContext = WrittenContext & { readonly session: string };

type Field = 'session' | 'user' | 'tags';

/** What may name something. */
type Naming = Pick<Skeleton, 'spanId' | 'parentId' | 'startMillis' | Field>;

/** Each is looked at in less than a microsecond. */
const SPANS_OF_STEP = 1_000;

/**
 * Of a request that is written in parts, the first part finds what holds once the last is written, and that one makes
 * sure of it. In between it stays, whatever else was found: each part might else change all logs of those before it.
 *
 * Call this when the spans that have come are in the tree. Yields after some spans.
 */
export function* decideContext(
  traceId: string,
  tree: Tree,
  { spans, ofRequest, isContinued = false }: Arrivals,
): Generator<void, TraceContext> {
  const { session, user, tags } = tree.context;
  const mayChange = spans.length > 0 && (!isContinued || ofRequest !== undefined);
  if (!mayChange && session !== undefined) return { session, user, tags };
  return isContinued && ofRequest ? yield* foreseeContext(traceId, tree, ofRequest) : findContext(traceId, tree);
}

/**
 * What a root names outranks what is named below it. Of several roots the last one counts, of other spans the first, in
 * the order of their starts, as in an app that sees the spans start. A trace in which nothing names a session is one.
 */
export function findContext(traceId: string, tree: Tree): TraceContext {
  return {
    session: find('session', tree) ?? traceId,
    user: find('user', tree),
    tags: find('tags', tree),
  };
}

function find<Name extends Field>(field: Name, tree: Tree): Skeleton[Name] {
  if (!tree.named.isDisputed(field)) return tree.named.agreedOn(field);
  const naming = new NamingOf(field);
  const hasParent = (node: Naming) => tree.above(node) !== undefined;
  for (const node of tree.nodes) naming.add(node, hasParent);
  return naming.found;
}

/**
 * Returns what `findContext` will once these have come. It is mistaken where ids form a circle, or the tree knows
 * another report of a span, which says more.
 */
function* foreseeContext(traceId: string, tree: Tree, coming: readonly Arrival[]): Generator<void, TraceContext> {
  const spanIds = new Set<string>();
  const [session, user, tags] = [new NamingOf('session'), new NamingOf('user'), new NamingOf('tags')];
  let count = 0;
  for (const { spanId } of coming) {
    spanIds.add(spanId);
    if (++count % SPANS_OF_STEP === 0) yield;
  }
  const hasParent = ({ spanId, parentId }: Naming): boolean =>
    parentId !== undefined && parentId !== spanId && (spanIds.has(parentId) || tree.above({ parentId }) !== undefined);
  for (const spans of [coming, tree.nodes]) {
    for (const span of spans) {
      for (const naming of [session, user, tags]) naming.add(span, hasParent);
      if (++count % SPANS_OF_STEP === 0) yield;
    }
  }
  return { session: session.found ?? traceId, user: user.found, tags: tags.found };
}

/** Of the spans that name something, those that may count. */
class NamingOf<Name extends Field> {
  readonly #field: Name;
  #lastRoot: Naming | undefined;
  #firstOther: Naming | undefined;

  constructor(field: Name) {
    this.#field = field;
  }

  get found(): Skeleton[Name] {
    return (this.#lastRoot ?? this.#firstOther)?.[this.#field] as Skeleton[Name];
  }

  add(span: Naming, hasParent: (span: Naming) => boolean): void {
    if (span[this.#field] === undefined) return;
    if (hasParent(span)) {
      if (!this.#firstOther || startsBefore(span, this.#firstOther)) this.#firstOther = span;
    } else if (!this.#lastRoot || startsBefore(this.#lastRoot, span)) this.#lastRoot = span;
  }
}

function startsBefore(first: Naming, second: Naming): boolean {
  return first.startMillis === second.startMillis
    ? first.spanId < second.spanId
    : first.startMillis < second.startMillis;
}

export function isSameContext(first: WrittenContext, second: WrittenContext): boolean {
  return first.session === second.session && first.user === second.user && hasSameTags(first, second);
}

export function hasSameTags({ tags: first }: WrittenContext, { tags: second }: WrittenContext): boolean {
  if (first === second) return true;
  return first?.length === second?.length && first?.every((tag, index) => tag === second?.[index]) === true;
}
