/** What the live list and session need from the browser. It is passed in, so that tests can take its place. */
import type { SessionChange } from '../../server/store/viewer-store.ts';

export type Request = <Body>(path: string) => Promise<Body>;

/** Returns how to stop. */
export type Subscribe = (listener: (change: SessionChange) => void) => () => void;

export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Returns how to cancel. */
  readonly after: (millis: number, callback: () => void) => () => void;
}

export interface LiveSource {
  readonly request: Request;
  readonly subscribe: Subscribe;
  readonly clock: Clock;
}
