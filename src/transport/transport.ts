/**
 * One request and its outcome.
 *
 * What may happen on a network is a value, never an exception: `send` always resolves. The kinds of outcome differ in
 * what the sender must do next: only after some failures is it unknown whether the server stored the request.
 */
export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query below the base URL, with a leading slash: `/logs?reference_id=a`. */
  readonly path: string;
  /**
   * Encoded JSON: sending a Buffer costs a third of sending a string. The memory is used again after the request has
   * succeeded.
   */
  readonly body?: Uint8Array;
  /** Set if the body is already compressed. */
  readonly contentEncoding?: 'gzip';
}

export type TransportOutcome =
  /** The server answered, with any status. `truncated` if the body was longer than the limit. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** The server's status text. HTTP/2 has none. */
      readonly reason?: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly text: string;
      readonly truncated: boolean;
      /** Milliseconds from the call to the last byte. */
      readonly roundTripTime: number;
    }
  /** The request never left: no connection could be made. The server has certainly not stored it. */
  | { readonly kind: 'unsent'; readonly cause: Error; readonly roundTripTime: number }
  /** The request left, or may have, and the answer did not arrive whole. The server may have stored it. */
  | { readonly kind: 'lost'; readonly cause: Error; readonly roundTripTime: number };

export interface Transport {
  /** Never rejects. Resolves within the configured time-out. */
  send(request: TransportRequest): Promise<TransportOutcome>;
  /** Closes the connections. Requests in flight resolve as `lost`. Idempotent. */
  close(): Promise<void>;
}
