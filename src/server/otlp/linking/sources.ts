/**
 * What the spans of a trace say by themselves: those that have come now, what the store keeps beside its logs, or else the
 * logs. What has to be read first is noted as `missing`; until it is there, it counts as nothing.
 */
import { toDatapoint } from '../../../datapoint/to-datapoint.ts';
import { referenceIdOf } from '../../../wire/reference-id.ts';
import type { LogRequest } from '../../../wire/v4.ts';
import type { StoredLog } from '../../store/ingest.ts';
import { withoutUpdates } from './client-updates.ts';
import type { OwnLog } from './compose.ts';
import { type KeptContent, parseKept } from './kept-content.ts';
import type { ArrivedLog } from './skeletons/arrival.ts';
import type { Skeleton } from './skeletons/skeleton.ts';
import { isOfAnotherTrace } from './skeletons/span-name.ts';
import type { Tree } from './skeletons/tree.ts';

export class Sources {
  /** Reference ids of logs that have to be read first. */
  readonly missing = new Set<string>();
  readonly #traceId: string;
  readonly #tree: Tree;
  readonly #stored: ReadonlyMap<string, StoredLog>;
  readonly #arrived: ReadonlyMap<string, ArrivedLog>;
  /** What is kept of a span, as far as it was looked at. */
  readonly #kept = new Map<string, KeptContent>();
  readonly #keptChanges = new Set<string>();
  readonly #owns = new Map<string, OwnLog>();

  constructor(
    traceId: string,
    tree: Tree,
    stored: ReadonlyMap<string, StoredLog>,
    arrived: ReadonlyMap<string, ArrivedLog>,
  ) {
    this.#traceId = traceId;
    this.#tree = tree;
    this.#stored = stored;
    this.#arrived = arrived;
  }

  /** Returns what a span, named as in `span-name.ts`, says by itself; undefined if it is not there any more, or has to be read first. */
  findOwn(spanId: string): OwnLog | undefined {
    const known = this.#owns.get(spanId);
    if (!known && isOfAnotherTrace(spanId)) return this.#findElsewhere(spanId);
    const node = this.#tree.get(spanId);
    if (known || !node?.own) return known;
    const kept = this.readKept(node);
    const datapoint = kept && (kept.own ?? this.#arrivedLog(spanId) ?? this.#storedLog(node));
    if (!datapoint) return undefined;
    const own = { kind: node.own.kind, datapoint, events: kept.events ?? [] };
    this.#owns.set(spanId, own);
    return own;
  }

  #findElsewhere(referenceId: string): OwnLog | undefined {
    const stored = this.#stored.get(referenceId);
    if (!stored) this.missing.add(referenceId);
    const { own, events = [] } = parseKept(stored?.kept);
    const datapoint = own ?? stored?.log;
    return datapoint && { kind: 'model', datapoint, events };
  }

  #arrivedLog(spanId: string): LogRequest | undefined {
    const log = this.#arrived.get(spanId);
    const identity = { referenceId: this.#referenceOf(spanId), sessionReferenceId: this.#traceId };
    return log && toDatapoint(log.span, log.kind, log.reading, identity, log.settings);
  }

  #storedLog(node: Skeleton): LogRequest | undefined {
    const log = this.#read(node.spanId)?.log;
    return log && withoutCalledModel(log, node);
  }

  /** The same for the log of the span: what clients have updated of it is not content of the span. */
  findOwnOfLog(node: Skeleton): OwnLog | undefined {
    const own = this.findOwn(node.spanId);
    if (!own || this.#arrived.has(node.spanId)) return own;
    return { ...own, datapoint: this.readKept(node)?.own ?? withoutUpdates(own.datapoint, node.said) };
  }

  /** Returns undefined if it is not there any more, or has to be read first. */
  findStored(spanId: string): LogRequest | undefined {
    return this.#read(spanId)?.log;
  }

  /**
   * Keeps what the span says by itself, or does not keep it any more. A span that has no log of its own any more brings
   * along what clients have updated.
   */
  keepOwn(node: Skeleton, isKept: boolean, hasLog: boolean): void {
    if (!isKept && !node.isKept) return;
    const own = (hasLog ? this.findOwnOfLog(node) : this.findOwn(node.spanId))?.datapoint;
    const kept = this.readKept(node);
    const wanted = isKept ? own : undefined;
    if (kept && kept.own !== wanted) this.keep(node, { own: wanted });
  }

  /** Nothing is kept of the span so far. */
  startKeeping(spanId: string): void {
    this.#kept.set(spanId, {});
  }

  #read(spanId: string): StoredLog | undefined {
    const referenceId = this.#referenceOf(spanId);
    const log = this.#stored.get(referenceId);
    if (!log) this.missing.add(referenceId);
    return log;
  }

  /** Returns undefined if it has to be read first. */
  readKept(node: Skeleton): KeptContent | undefined {
    const known = this.#kept.get(node.spanId);
    if (known) return known;
    if (!node.isKept) {
      this.#kept.set(node.spanId, {});
      return {};
    }
    const stored = this.#read(node.spanId);
    if (!stored) return undefined;
    const kept = parseKept(stored.kept);
    this.#kept.set(node.spanId, kept);
    return kept;
  }

  keep(node: Skeleton, change: KeptContent): void {
    this.#kept.set(node.spanId, { ...this.#kept.get(node.spanId), ...change });
    this.#keptChanges.add(node.spanId);
  }

  /** Returns what to keep from now on, by reference id. */
  writeKept(): ReadonlyMap<string, string | undefined> {
    const written = new Map<string, string | undefined>();
    for (const spanId of this.#keptChanges) {
      const text = JSON.stringify(this.#kept.get(spanId));
      const isKept = text !== '{}';
      this.#tree.change(spanId, { isKept });
      written.set(this.#referenceOf(spanId), isKept ? text : undefined);
    }
    return written;
  }

  #referenceOf(spanId: string): string {
    return referenceIdOf(this.#traceId, spanId);
  }
}

/** An agent's own log names no model; what its span says of a provider stays. */
function withoutCalledModel(log: LogRequest, { own }: Skeleton): LogRequest {
  const { config } = log;
  if (config?.type !== 'agent' || own?.model !== undefined) return log;
  const { type: _type, model: _model, provider, other = {}, ...rest } = config.model_config;
  const { provider: raw, ...more } = other;
  const tools = config.tools?.map(({ type: _of, ...tool }) => tool);
  const said = own?.provider === undefined ? undefined : (raw ?? provider);
  const fields = { ...rest, ...more, ...(tools && { tools }), ...(said !== undefined && { provider: said }) };
  const { name, description } = config;
  return {
    ...log,
    config: {
      type: 'generic',
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      ...(Object.keys(fields).length > 0 && { other: fields }),
    },
  };
}
