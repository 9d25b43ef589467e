/** The numbers that the app can ask for. */

/** What a processor or exporter has now, and what it has sent and dropped since its construction. */
export interface Stats {
  /** Number of ended spans, logs or not, that wait for an open ancestor or to be mapped. */
  readonly held: number;
  /** Number of logs with something left to send, including those in flight. */
  readonly queued: number;
  /** Number of requests in flight. */
  readonly inFlight: number;
  /** Number of logs that the server has acknowledged. */
  readonly logged: number;
  /** Number of updates that the server has acknowledged. */
  readonly updated: number;
  /** Number of logs that shutdown left in the spool for the next start; 0 before shutdown. */
  readonly spooled: number;
  /** Number of times that a log or an update was sent again. */
  readonly retried: number;
  /** Number of logs and updates that were given up, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}
