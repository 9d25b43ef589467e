/** What `register` knows about one LLM package of the app. */
export interface Coverage {
  readonly name: string;
  /** Empty if the package is not found, but an instrumentation of it is. */
  readonly version: string;
  /** What creates the spans: the package itself, or an instrumentation. Undefined: nothing. */
  readonly by: string | undefined;
  /** What to do if nothing creates spans. */
  readonly advice: string | undefined;
  /** Whether the app names the package or its instrumentation, so that its own code probably uses it. */
  readonly isOwn: boolean;
}
