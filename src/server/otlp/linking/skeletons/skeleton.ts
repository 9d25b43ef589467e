/**
 * What is remembered of one span after its request: enough to place later spans of the trace, and to tell which calls
 * are the same. It has no content, only hashes of content, which are compared and nothing else.
 */
import type { LogKind } from '../../../../conventions/convention.ts';
import type { ToolFacts } from '../../../../trace/span-node.ts';
import { isOfAnotherTrace } from './span-name.ts';

export interface Skeleton {
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Undefined for a root, for a span that names itself, and where a circle of parents was cut. */
  readonly parentId: string | undefined;
  readonly isRemoteParent: boolean;
  /** The span that `tracestate` names as the nearest log above, in another process. */
  readonly upstreamId: string | undefined;
  /** False for a span that has not come, and that log events or judgements wait for. */
  readonly isSeen: boolean;
  /** Unix milliseconds with fractions; 0 if the start is not a time. */
  readonly startMillis: number;
  /** What the span itself names. */
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly tags: readonly string[] | undefined;
  /** What the span says by itself, if it is a log. */
  readonly own: CallSummary | undefined;
  /** Of a call of a model: by what it is found from other traces, besides the id of its answer. */
  readonly names: Pick<CallNames, 'reporter' | 'question'> | undefined;
  /** Spans of other traces that report the same call; undefined if none is known. */
  readonly elsewhere: Elsewhere | undefined;
  /** What was made of it when the store was last written. Absent for a span that is not a log by itself. */
  readonly written: Outcome | undefined;
  /** What was last written to its log; undefined if it has none, or that is not known. */
  readonly said: Said | undefined;
  /** Whether the store keeps more of the span, because its log says something else than the span alone, or none does yet. */
  readonly isKept: boolean;
}

/** A span that is a log by itself. */
export type LogNode = Skeleton & { readonly own: CallSummary };

/** Hashes of what the spans say, as it was last written to a log. */
export interface Said {
  readonly output: string | undefined;
  readonly error: string | undefined;
}

/** By what spans of other traces find a call. */
export interface CallNames {
  /** See `CallKey.reporter`. */
  readonly reporter: string;
  /** Hash of the provider's id of the answer. */
  readonly callId: string | undefined;
  /** Hash of the question and of the service that asked: other services may ask the same. */
  readonly question: string | undefined;
}

/** What a log is compared with others by. */
export interface CallSummary {
  readonly kind: LogKind;
  /** Name of the instrumentation scope. */
  readonly scope: string;
  /** Whole Unix milliseconds. */
  readonly endMillis: number | undefined;
  /** Hash of the provider's id of the answer. */
  readonly callId: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  /** Name of the vocabulary. */
  readonly convention: string | undefined;
  readonly promptTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** Whether it has tokens, costs, or any other count of a call. */
  readonly hasCounts: boolean;
  readonly hasMessages: boolean;
  readonly hasError: boolean;
  /** Hash of the last message to the model. */
  readonly question: string | undefined;
  /** Hash of the model's answer. */
  readonly answer: string | undefined;
  /** See `mayBeSum` of `call-span.ts`. False where nothing is known of it: then no log loses its counts. */
  readonly mayBeSum: boolean;
  /** Of a tool: texts of arguments are fingerprints. */
  readonly tool: ToolFacts | undefined;
}

/** One call that spans of several traces report. One of them has its log. */
export interface Elsewhere {
  /** Reference id of the span that has the log; undefined if this one has. */
  readonly keeper: string | undefined;
  /** Of a span that has the log: reference ids of the others. */
  readonly others: readonly string[];
  /** See `CallKey.reporter`. */
  readonly reporter: string;
  /** `CallKey.key` of the question. */
  readonly question: string | undefined;
  /** Whether this span was below a log when they were joined: that decides which one has the log. */
  readonly isBelowLog: boolean;
}

/** What becomes of a span that is a log by itself, when all that is known of its trace is looked at together. */
export interface Outcome {
  readonly kind: LogKind;
  /** Another span's log has the call: that span, as `span-name.ts` has it. Then this span has no log of its own. */
  readonly keeperId: string | undefined;
  /** Span id of the parent log. It may name a span that has not come. */
  readonly parentId: string | undefined;
  /** Whose content the log has besides its own; undefined if it says what its span says. */
  readonly recipe: Recipe | undefined;
}

/** How the content of a log is put together. */
export interface Recipe {
  /** Spans of the same call, named as in `span-name.ts`, in the order in which they fill in what the log lacks. */
  readonly fillers: readonly string[];
  /** The span that the token counts are taken from before, if that is another one. */
  readonly usageOf: string | undefined;
  /** The span whose error the log has; undefined if there is none. */
  readonly errorOf: string | undefined;
  /** Counts go to `metadata.usage`, since they are those of other logs. */
  readonly isWrapper: boolean;
  /** Of an agent that names no model: the span of its first call, and its model. */
  readonly calledBy: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  /** Content in log events was added. */
  readonly hasEvents: boolean;
}

/** What all logs of a trace share, as it was last written to them. */
export interface WrittenContext {
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly tags: readonly string[] | undefined;
}

/** Whether the span has the log of a call in its own trace, or would have it if no other trace had. */
export function isLogOfCall(written: Outcome | undefined): boolean {
  if (written?.kind !== 'model') return false;
  return written.keeperId === undefined || isOfAnotherTrace(written.keeperId);
}

export function isSameOutcome(first: Outcome, second: Outcome): boolean {
  return (
    first.kind === second.kind &&
    first.keeperId === second.keeperId &&
    first.parentId === second.parentId &&
    isSameRecipe(first.recipe, second.recipe)
  );
}

export function isSameRecipe(first: Recipe | undefined, second: Recipe | undefined): boolean {
  if (first === second) return true;
  if (!first || !second) return false;
  return (
    first.usageOf === second.usageOf &&
    first.errorOf === second.errorOf &&
    first.isWrapper === second.isWrapper &&
    first.calledBy === second.calledBy &&
    first.model === second.model &&
    first.provider === second.provider &&
    first.hasEvents === second.hasEvents &&
    first.fillers.length === second.fillers.length &&
    first.fillers.every((spanId, index) => spanId === second.fillers[index])
  );
}

/** Whether a log says more than its span, apart from a model that comes from the calls below it. */
export function hasOthers({ recipe, kind }: Outcome): boolean {
  if (!recipe) return false;
  const { fillers, usageOf, isWrapper, hasEvents } = recipe;
  return kind !== 'agent' || fillers.length > 0 || usageOf !== undefined || isWrapper || hasEvents;
}
