/** What one request has, by trace; and its writing, in transactions of about the same size. */
import type { IngestFault } from '../store/ingest.ts';
import { toSteps } from '../store/steps.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailableError } from '../store/unavailable-error.ts';
import type { IntakeResult } from './decoding/received.ts';
import { joinArrivals } from './join-arrivals.ts';
import { type Findings, linkTraces, type TraceArrivals } from './linking/link-traces.ts';
import type { Arrival, ArrivedEvent, Judgement } from './linking/skeletons/arrival.ts';
import type { TreeMemo } from './linking/skeletons/tree-memo.ts';

/**
 * Spans, events and judgements that are written at once, more or less. Cuts make no difference to what is stored, so a large
 * request is cut: no other write then waits long. Traces that are cut cost more, so most are whole.
 */
const THINGS_AT_ONCE = 200;
/**
 * Of a trace in which each part changes what very many logs are, parts are larger, the more of them: else the work for a
 * request would grow with the square of its spans. The writes of others wait longer then.
 */
const MOST_AT_ONCE = 1_000;
/** So many logs are looked at for each thing that is written, at most, until there are more than twice as many as above. */
const LOOKS_FOR_EACH = 2;
/**
 * So many are joined with other traces before the next are written. A trace that has too many spans forgets the oldest
 * (`linking/tree.ts`), and what is forgotten cannot be joined: this is far below what a trace keeps.
 */
const THINGS_OF_ROUND = 2_000;

interface Batch extends TraceArrivals {
  readonly spans: Arrival[];
  readonly events: ArrivedEvent[];
  readonly judgements: Judgement[];
  readonly ofRequest?: readonly Arrival[];
  isContinued: boolean;
}

interface Written extends Findings {
  readonly unstored: readonly IngestFault[];
}

export class Batches {
  readonly #store: Pick<Store, 'ingest' | 'findCalls'>;
  readonly #trees: TreeMemo;
  /** By trace. */
  readonly #batches = new Map<string, Batch>();
  #rejected = 0;
  #unused = 0;
  #message: string | undefined;

  constructor(store: Pick<Store, 'ingest' | 'findCalls'>, trees: TreeMemo) {
    this.#store = store;
    this.#trees = trees;
  }

  /** Returns what has come of a trace, to add one more thing to it. */
  of(traceId: string): Batch {
    const known = this.#batches.get(traceId);
    if (known) return known;
    const batch: Batch = { traceId, spans: [], events: [], judgements: [], isContinued: false };
    this.#batches.set(traceId, batch);
    return batch;
  }

  reject(message: string): void {
    this.#rejected++;
    this.#message ??= message;
  }

  /** Counts an event that is about nothing that a log has. */
  passOver(): void {
    this.#unused++;
  }

  /** Resolves when all is committed, and joined with what other traces have. */
  async write(): Promise<IntakeResult> {
    const parts = this.#cut();
    while (parts.length > 0) {
      for (const { referenceId, message } of await this.#writeRound(takeRound(parts))) {
        this.reject(`${referenceId}: ${message}`);
      }
    }
    const unused = this.#unused > 0 ? { unused: this.#unused } : {};
    if (this.#message === undefined) return { rejected: 0, ...unused };
    const others = this.#rejected - 1;
    const message = this.#message + (others > 0 ? `, and ${others} more` : '');
    return { rejected: this.#rejected, message, ...unused };
  }

  /** Rejects if a part fails. What is written is joined all the same, unless the store is unavailable for that, too. */
  async #writeRound(parts: Batch[][]): Promise<IngestFault[]> {
    const results = await this.#writeParts(parts);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed?.reason instanceof StoreUnavailableError) throw failed.reason;
    const written = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const joining = joinArrivals(this.#store, this.#trees, together(written));
    if (failed) {
      await joining.catch(() => {});
      throw failed.reason;
    }
    const unjoined = await joining;
    return [...written.flatMap(({ faults, unstored }) => [...faults, ...unstored]), ...unjoined];
  }

  /**
   * Each part is handed over when it is decided what to write of the one before: several are committed together, and the
   * writes of others find their place between them. Once one has failed, no other is handed over.
   */
  async #writeParts(parts: Batch[][]): Promise<PromiseSettledResult<Written>[]> {
    const writes: Promise<Written>[] = [];
    let hasFailed = false;
    let lookedAt = 0;
    for (let part = takePart(parts, lookedAt); part && !hasFailed; part = takePart(parts, lookedAt)) {
      const { decided, written } = this.#ingest(part);
      writes.push(written);
      const ended = written.then(
        () => {},
        () => {
          hasFailed = true;
        },
      );
      lookedAt = (await Promise.race([decided, ended])) ?? 0;
    }
    return Promise.allSettled(writes);
  }

  /** Returns batches that are written together, of each trace one at most. */
  #cut(): Batch[][] {
    const parts: Batch[][] = [];
    let part: Batch[] = [];
    let size = 0;
    for (const batch of Array.from(this.#batches.values()).flatMap(cutBatch)) {
      // A trace that has another batch has filled this one, and with it a part.
      if (part.length === 0 || size + sizeOf(batch) > THINGS_AT_ONCE) {
        part = [];
        parts.push(part);
        size = 0;
      }
      part.push(batch);
      size += sizeOf(batch);
    }
    // What is written may be forgotten before all of it is.
    this.#batches.clear();
    return parts;
  }

  /** `decided` resolves to how many logs were looked at. */
  #ingest(batches: readonly Batch[]): { readonly decided: Promise<number>; readonly written: Promise<Written> } {
    const traceIds = batches.map(({ traceId }) => traceId).sort();
    const { work, findings } = linkTraces(batches, this.#trees);
    let decide = (_lookedAt: number): void => {};
    const decided = new Promise<number>((resolve) => {
      decide = resolve;
    });
    const write = async (): Promise<Written> => {
      const unstored = await this.#store.ingest(traceIds, function* (memory, stored) {
        const result = yield* toSteps(() => work(memory, stored));
        if (!('reads' in result)) decide(findings().lookedAt);
        return result;
      });
      return { ...findings(), unstored };
    };
    return { decided, written: write() };
  }
}

/**
 * Cuts what is too much to write at once. Spans are written in the order of their starts: one is mostly after its parent then,
 * calls that may be the same are together, and few logs become something else with what comes next.
 */
function cutBatch(batch: Batch): Batch[] {
  if (sizeOf(batch) <= THINGS_AT_ONCE) return [batch];
  const { traceId, events, judgements } = batch;
  const ofRequest = batch.spans.sort(byTime);
  const spans = [...ofRequest];
  const cut: Batch[] = [];
  while (spans.length + events.length + judgements.length > 0) {
    const some = spans.splice(0, THINGS_AT_ONCE);
    const someEvents = events.splice(0, THINGS_AT_ONCE - some.length);
    const left = THINGS_AT_ONCE - some.length - someEvents.length;
    cut.push({
      ...{ traceId, spans: some, events: someEvents, judgements: judgements.splice(0, left) },
      ...(cut.length === 0 && { ofRequest }),
      isContinued: spans.length > 0,
    });
  }
  return cut;
}

/** Of spans that start at once, one that lasts longer is first: it may be around the others. */
function byTime(first: Arrival, second: Arrival): number {
  return (
    first.startMillis - second.startMillis ||
    Number(endOf(second) > endOf(first)) - Number(endOf(second) < endOf(first))
  );
}

function endOf({ log }: Arrival): number {
  return log?.summary.endMillis ?? Number.POSITIVE_INFINITY;
}

/** Takes a part from the front, with those after it if they are of the same trace and not too much for these looks. */
function takePart(parts: Batch[][], lookedAt: number): Batch[] | undefined {
  const part = parts.shift();
  const batch = part?.at(-1);
  const most = Math.min(MOST_AT_ONCE, lookedAt / LOOKS_FOR_EACH);
  if (!part || !batch || part.length > 1) return part;
  for (;;) {
    const [next, ...others] = parts[0] ?? [];
    if (!next || others.length > 0 || next.traceId !== batch.traceId) return part;
    if (sizeOf(batch) + sizeOf(next) > most) return part;
    batch.spans.push(...next.spans);
    batch.events.push(...next.events);
    batch.judgements.push(...next.judgements);
    batch.isContinued = next.isContinued;
    parts.shift();
  }
}

/** Takes parts from the front, so that what is written may be forgotten before all of it is. */
function takeRound(parts: Batch[][]): Batch[][] {
  const round: Batch[][] = [];
  for (let size = 0; size < THINGS_OF_ROUND && parts.length > 0; ) {
    const part = parts.shift() as Batch[];
    round.push(part);
    size += part.reduce((sum, batch) => sum + sizeOf(batch), 0);
  }
  return round;
}

function sizeOf({ spans, events, judgements }: Batch): number {
  return spans.length + events.length + judgements.length;
}

function together(all: readonly Findings[]): Pick<Findings, 'calls' | 'unsettled'> {
  const unsettled = new Map<string, boolean>();
  for (const findings of all) {
    for (const [referenceId, saysMore] of findings.unsettled) {
      unsettled.set(referenceId, saysMore || unsettled.get(referenceId) === true);
    }
  }
  return { calls: all.flatMap(({ calls }) => calls), unsettled };
}
