/** Creates the nodes of spans, in little memory: they are most of what is remembered. */
import type { LogKind, Reading } from '../conventions/convention.ts';
import type { Recognition } from '../conventions/index.ts';
import type { ShortReading } from '../conventions/short-way.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { Keeper, ModelCall, SpanNode, SpanState, ToolFacts, Trace } from './span-node.ts';

/** What few nodes have: these fields take memory only where one of them is set. */
class RareFields {
  callerId: string | undefined = undefined;
  absorbed: SpanNode['absorbed'] = undefined;
  keeper: Keeper | undefined = undefined;
  isKeeper = false;
  tool: ToolFacts | undefined = undefined;
  judged: ReadonlySet<string> | undefined = undefined;
  overrides: LateFields | undefined = undefined;
  events: SpanEvent[] | undefined = undefined;
  draftedAs: SpanState | undefined = undefined;
}

class Node implements SpanNode {
  readonly trace: Trace;
  readonly spanId: string;
  parent: SpanNode | undefined;
  span: SpanSlice | undefined = undefined;
  state: SpanState;
  released = false;
  waiters: SpanNode[] | undefined = undefined;
  blocker: SpanNode | undefined;
  entry: LogEntry | undefined = undefined;
  kind: LogKind | undefined = undefined;
  signs: number | undefined = undefined;
  recognitions: readonly Recognition[] | undefined = undefined;
  reading: Reading | undefined = undefined;
  firstCall: ModelCall | undefined = undefined;
  callId: string | undefined = undefined;
  short: ShortReading | undefined = undefined;
  isNamed = false;
  isNoLog = false;
  estimatedBytes = 0;
  place = 0;
  #rare: RareFields | undefined = undefined;

  constructor(trace: Trace, spanId: string, state: SpanState, parent: SpanNode | undefined) {
    this.trace = trace;
    this.spanId = spanId;
    this.parent = parent;
    this.state = state;
    this.blocker = parent;
  }

  get hasRareFields(): boolean {
    return this.#rare !== undefined;
  }

  get callerId(): string | undefined {
    return this.#rare?.callerId;
  }

  set callerId(value: string | undefined) {
    if (this.#rare) this.#rare.callerId = value;
    else if (value !== undefined) this.#rarely().callerId = value;
  }

  get absorbed(): SpanNode['absorbed'] {
    return this.#rare?.absorbed;
  }

  set absorbed(value: SpanNode['absorbed']) {
    if (this.#rare) this.#rare.absorbed = value;
    else if (value !== undefined) this.#rarely().absorbed = value;
  }

  get keeper(): Keeper | undefined {
    return this.#rare?.keeper;
  }

  set keeper(value: Keeper | undefined) {
    if (this.#rare) this.#rare.keeper = value;
    else if (value !== undefined) this.#rarely().keeper = value;
  }

  get isKeeper(): boolean {
    return this.#rare?.isKeeper === true;
  }

  set isKeeper(value: boolean) {
    if (this.#rare) this.#rare.isKeeper = value;
    else if (value) this.#rarely().isKeeper = value;
  }

  get tool(): ToolFacts | undefined {
    return this.#rare?.tool;
  }

  set tool(value: ToolFacts | undefined) {
    if (this.#rare) this.#rare.tool = value;
    else if (value !== undefined) this.#rarely().tool = value;
  }

  get judged(): ReadonlySet<string> | undefined {
    return this.#rare?.judged;
  }

  set judged(value: ReadonlySet<string> | undefined) {
    if (this.#rare) this.#rare.judged = value;
    else if (value !== undefined) this.#rarely().judged = value;
  }

  get overrides(): LateFields | undefined {
    return this.#rare?.overrides;
  }

  set overrides(value: LateFields | undefined) {
    if (this.#rare) this.#rare.overrides = value;
    else if (value !== undefined) this.#rarely().overrides = value;
  }

  get events(): SpanEvent[] | undefined {
    return this.#rare?.events;
  }

  set events(value: SpanEvent[] | undefined) {
    if (this.#rare) this.#rare.events = value;
    else if (value !== undefined) this.#rarely().events = value;
  }

  get draftedAs(): SpanState | undefined {
    return this.#rare?.draftedAs;
  }

  set draftedAs(value: SpanState | undefined) {
    if (this.#rare) this.#rare.draftedAs = value;
    else if (value !== undefined) this.#rarely().draftedAs = value;
  }

  /** Call this if there are none yet. */
  #rarely(): RareFields {
    this.#rare = new RareFields();
    return this.#rare;
  }
}

export function createNode(trace: Trace, spanId: string, state: SpanState, parent: SpanNode | undefined): SpanNode {
  const node = new Node(trace, spanId, state, parent);
  trace.nodes.set(spanId, node);
  return node;
}
