/**
 * One request and what became of it.
 *
 * What may happen on a network is a value, never an exception: `send` always resolves. The union tells apart what the
 * sender must do next, because only some failures leave it open whether the server has stored the request.
 */
export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query below the base URL, with its leading slash: `/logs?reference_id=a`. */
  readonly path: string;
  /** JSON, already encoded: a Buffer costs a third of what a string costs to send. */
  readonly body?: Uint8Array;
  /** How the body is compressed already. */
  readonly contentEncoding?: 'gzip';
}

export type TransportOutcome =
  /** The server answered, whatever the status. `truncated` if the body was longer than the response limit. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** The server's status text. HTTP/2 has none. */
      readonly reason?: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly text: string;
      readonly truncated: boolean;
      readonly roundTripTime: number;
    }
  /** The request never left: no connection could be made. The server has certainly not stored it. */
  | { readonly kind: 'unsent'; readonly cause: Error; readonly roundTripTime: number }
  /** The request left (or may have) and no whole answer came. The server may have stored it. */
  | { readonly kind: 'lost'; readonly cause: Error; readonly roundTripTime: number };

export interface Transport {
  /** Never rejects. Resolves within the configured time-out, counted in wall time from the call to the last byte. */
  send(request: TransportRequest): Promise<TransportOutcome>;
  /** Closes the connections. Requests in flight resolve as `lost`. Idempotent. */
  close(): Promise<void>;
}
