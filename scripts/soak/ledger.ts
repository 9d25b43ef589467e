/** What the server has acknowledged: the logs that must be there, those that must be gone, and those that may be either. */

export type Fate =
  /** Acknowledged: it must be there. */
  | 'stored'
  /** Its deletion was acknowledged. */
  | 'deleted'
  /** An answer was lost, or a retention may or may not have reached it. */
  | 'unsure';

export interface LedgerLog {
  /** A word that nothing else has. */
  readonly marker: string;
  readonly session: LedgerSession;
  /** Absent for a log that no request can name: after a lost answer it may be there twice. */
  readonly reference: string | undefined;
  /** Known when it is acknowledged and the answer has ids. */
  id: string | undefined;
  output: string | undefined;
  fate: Fate;
  /** How often it may be there. More than one only without a reference, after answers that were lost. */
  most: number;
  /** Whether a client is changing it. */
  isBusy: boolean;
}

export interface LedgerSession {
  readonly reference: string;
  readonly project: string;
  readonly logs: LedgerLog[];
  id: string | undefined;
  /** Times of the runner's clock between which it was last written to, in milliseconds. Deletions do not count. */
  changedFrom: number;
  changedTo: number;
  /** Requests that may write to it or delete from it, and are not answered. */
  open: number;
}

export class Ledger {
  readonly sessions: LedgerSession[] = [];
  readonly #run = Date.now().toString(36);
  #count = 0;

  newSession(project: string): LedgerSession {
    const reference = `session ${this.#run} ${this.sessions.length}`;
    const session = { reference, project, logs: [], id: undefined, changedFrom: 0, changedTo: 0, open: 0 };
    this.sessions.push(session);
    return session;
  }

  newLog(session: LedgerSession, output: string | undefined, hasReference: boolean, reference?: string): LedgerLog {
    this.#count += 1;
    const marker = `mk${this.#run}x${this.#count}q`;
    const log: LedgerLog = {
      ...{ marker, session, id: undefined, fate: 'unsure', most: 1, isBusy: false },
      reference: hasReference ? (reference ?? `ref ${marker}`) : undefined,
      output: output === undefined ? undefined : `${output} ${marker}`,
    };
    session.logs.push(log);
    return log;
  }

  /** Runs a request that may delete from the session. */
  async deleting<Result>(session: LedgerSession, work: () => Promise<Result>): Promise<Result> {
    session.open += 1;
    try {
      return await work();
    } finally {
      session.open -= 1;
    }
  }

  /** Runs a request that may write to these sessions. */
  async changing<Result>(sessions: Iterable<LedgerSession>, work: () => Promise<Result>): Promise<Result> {
    const all = new Set(sessions);
    for (const session of all) {
      session.open += 1;
      session.changedFrom = Date.now();
    }
    try {
      return await work();
    } finally {
      for (const session of all) {
        session.open -= 1;
        session.changedTo = Date.now();
      }
    }
  }

  *logs(): Generator<LedgerLog> {
    for (const { logs } of this.sessions) yield* logs;
  }

  /** Finds markers in a text. */
  markersIn(text: string): Set<string> {
    return new Set(text.match(new RegExp(`mk${this.#run}x[0-9]+q`, 'g')));
  }
}
