/** The three fields of a log that v4 can change after it is stored. It cannot clear one: a field not given stays. */
export interface LateFields {
  output?: string | undefined;
  error?: string | undefined;
  /** Seconds. */
  duration?: number | undefined;
}
