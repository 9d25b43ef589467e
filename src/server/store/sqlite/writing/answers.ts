/** Answers the writes of a transaction once the disk has it. Other connections go on meanwhile. */
import type { Work } from '../../steps.ts';
import type { LogSync } from '../file/log-sync.ts';

export interface Job {
  readonly work: Work<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onWritten: (() => void) | undefined;
  readonly isRepeatable: boolean;
}

/** A job that was done in the open transaction, and how it is answered after that. */
export interface Done {
  readonly job: Job;
  readonly answer: () => void;
}

/**
 * Returns a function to call after each commit. `mayBlock` waits within the call. Without `sync`, the engine has waited.
 * `onSynced` is called after each wait that was not within a call.
 */
export function createAnswers(
  sync: LogSync | undefined,
  onSynced: () => void,
): (committed: readonly Done[], mayBlock: boolean) => void {
  return (committed, mayBlock) => {
    const answerAll = () => {
      for (const { answer } of committed) answer();
    };
    const rejectAll = (error: unknown) => {
      for (const { job } of committed) job.reject(error);
    };
    if (!sync) return answerAll();
    if (!mayBlock) return void sync.wait().then(answerAll, rejectAll).then(onSynced);
    try {
      sync.waitHere();
    } catch (error) {
      return rejectAll(error);
    }
    answerAll();
  };
}
