import type { LogRequest } from '../../../wire/v4.ts';
import type { FeedbackForLog, IngestFault, NewPart, Revision } from '../../store/ingest.ts';
import type { OwnKey } from './call-keys.ts';

/** What is to be written of one trace. */
export interface TraceChange {
  readonly creates: readonly LogRequest[];
  readonly revisions: readonly Revision[];
  readonly feedback: readonly FeedbackForLog[];
  readonly places: ReadonlyMap<string, string | null>;
  /** Undefined if nothing has to be remembered that is not. */
  readonly part: NewPart | undefined;
  readonly kept: ReadonlyMap<string, string | undefined>;
  readonly faults: readonly IngestFault[];
  /** How many logs it was decided of what becomes of them. */
  readonly lookedAt: number;
  /** Calls that have to be compared with those of other traces again, by reference id; true for those that say more. */
  readonly unsettled: ReadonlyMap<string, boolean>;
  /** By what calls are found that were left alone and have to be compared again. */
  readonly alone: readonly OwnKey[];
}
