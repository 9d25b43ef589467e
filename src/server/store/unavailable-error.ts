/** A store that cannot do what is asked, mostly for now, whichever engine it has. */
import { HumanloopError } from '../../errors.ts';

/**
 * `too-slow`: this request takes too long. `full`: there is no space for writes. `refused`: the database does not let
 * the server in. `unreachable`: it is locked, busy, or away. `gone`: it was deleted or replaced, and nothing works until
 * the server is started again. `failed`: its disk does not store what is written, and nothing is written until then.
 * `damaged`: what is asked for cannot be read.
 */
export type UnavailableReason = 'too-slow' | 'full' | 'refused' | 'unreachable' | 'gone' | 'failed' | 'damaged';

/** Undefined where it is of no use to come again. */
const RETRY_AFTER_SECONDS: Readonly<Record<UnavailableReason, number | undefined>> = {
  'too-slow': 5,
  full: 1,
  refused: 5,
  unreachable: 1,
  gone: undefined,
  failed: undefined,
  damaged: undefined,
};

export class StoreUnavailableError extends HumanloopError {
  override readonly name = 'StoreUnavailableError';
  readonly reason: UnavailableReason;
  readonly retryAfterSeconds: number | undefined;

  constructor(reason: UnavailableReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
    this.retryAfterSeconds = RETRY_AFTER_SECONDS[reason];
  }
}

/**
 * Returns the object with methods that reject with what `explain` makes of an engine's error. Objects in it, such as
 * the viewer's reads of a store, are treated alike.
 */
export function withExplainedErrors<Target extends object>(
  target: Target,
  explain: (error: unknown) => unknown,
): Target {
  const entries = Object.entries(target).map(([name, member]): [string, unknown] => {
    if (typeof member === 'function') return [name, explained(member as Method, explain)];
    return [name, typeof member === 'object' && member !== null ? withExplainedErrors(member, explain) : member];
  });
  return Object.fromEntries(entries) as Target;
}

type Method = (...parameters: unknown[]) => unknown;

function explained(method: Method, explain: (error: unknown) => unknown): Method {
  return (...parameters) => {
    const result = method(...parameters);
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw explain(error);
    });
  };
}
