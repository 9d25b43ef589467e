/**
 * The public names in edge runtimes, workers and browsers, chosen by the conditions in package.json.
 *
 * Frameworks build one file for several runtimes, so an import must not break a build or a request there. Processors do
 * nothing, which the first one reports; the client rejects, since its caller waits for an answer. Sending from there is
 * left out on purpose: a parent must be acknowledged before its child is sent, and these runtimes stop between requests
 * or forbid one request to wait for what another one has started.
 */
import { HumanloopError } from '../errors.ts';
import type { PassedOn } from '../pipeline/passing-on.ts';
import type { ExportResult } from '../processors/span-exporter.ts';
import type { HumanloopSpanProcessor as NodeSpanProcessor } from '../processors/span-processor.ts';
import { REASON, reportOnce } from './does-nothing.ts';

export { HumanloopApiError, HumanloopError } from '../errors.ts';

/** Empty, since no span is read. */
export const CONVENTIONS: readonly never[] = [];

type Stats = ReturnType<NodeSpanProcessor['stats']>;

class DoesNothing {
  constructor() {
    reportOnce();
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

export class HumanloopSpanProcessor extends DoesNothing {
  onStart(): void {}

  onEnd(): void {}

  update(): void {}

  addEvent(): void {}

  passOn(): PassedOn {
    return { ancestor: undefined, session: undefined };
  }

  stats(): Stats {
    return emptyStats();
  }
}

export class HumanloopSpanExporter extends DoesNothing {
  /** Succeeds, so that the SDK has nothing to report again with each batch. */
  export(_spans: unknown, resultCallback: (result: ExportResult) => void): void {
    resultCallback({ code: 0 });
  }

  stats(): Stats {
    return emptyStats();
  }
}

/** Adds nothing to requests. */
export class HumanloopPropagator {
  inject(): void {}

  extract<Context>(context: Context): Context {
    return context;
  }

  fields(): string[] {
    return [];
  }
}

export class HumanloopLogRecordProcessor extends DoesNothing {
  onEmit(): void {}
}

/** Every method rejects with a `HumanloopError`. */
export class HumanloopLogs {
  log(): Promise<never> {
    return refuse();
  }

  update(): Promise<never> {
    return refuse();
  }

  updateByRef(): Promise<never> {
    return refuse();
  }

  feedback(): Promise<never> {
    return refuse();
  }

  get(): Promise<never> {
    return refuse();
  }

  list(): Promise<never> {
    return refuse();
  }

  delete(): Promise<never> {
    return refuse();
  }

  async close(): Promise<void> {}
}

async function refuse(): Promise<never> {
  throw new HumanloopError(REASON);
}

function emptyStats(): Stats {
  return { held: 0, queued: 0, inFlight: 0, logged: 0, updated: 0, spooled: 0, retried: 0, dropped: {} };
}
