/** What an operation answers with. Operations never see the response: write-answer.ts writes it. */
import { encodeText } from './encode-text.ts';

export type Answer = JsonAnswer | BytesAnswer | EmptyAnswer | FileAnswer | StreamAnswer;

type Headers = Readonly<Record<string, string>>;

export interface JsonAnswer {
  readonly kind: 'json';
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Headers | undefined;
}

/** A body that is encoded already. */
export interface BytesAnswer {
  readonly kind: 'bytes';
  readonly status: number;
  /** The content type. */
  readonly type: string;
  readonly bytes: Buffer;
  readonly headers?: Headers | undefined;
}

/** A 204, which has no body. */
export interface EmptyAnswer {
  readonly kind: 'empty';
  readonly headers?: Headers | undefined;
}

export interface FileAnswer {
  readonly kind: 'file';
  /** The content type. */
  readonly type: string;
  readonly bytes: Buffer;
  /** Returns the same bytes gzipped. Called only for a client that takes them. */
  readonly gzip: () => Buffer;
  readonly headers: Headers;
}

/** Text that goes on until the client or the server ends it. */
export interface StreamAnswer {
  readonly kind: 'stream';
  /** The content type. */
  readonly type: string;
  /** Sent regularly, so that nobody on the way takes a quiet connection for a dead one. */
  readonly heartbeat: { readonly text: string; readonly everyMillis: number };
  /** A client that has left more than this unread is cut off at the next text. */
  readonly maxUnreadBytes: number;
  /** Called once, before anything is sent. Throws an `HttpError` where the stream cannot begin. */
  readonly subscribe: (client: StreamClient) => Subscription;
}

export interface StreamClient {
  send(text: string): void;
  end(): void;
}

export interface Subscription {
  /** Sent before all that is sent to the `StreamClient`. */
  readonly first: string;
  /** Called once, when the connection is closed. */
  stop(): void;
}

export function json(status: number, body: unknown, headers?: Headers): JsonAnswer {
  return { kind: 'json', status, body, headers };
}

/** Of JSON that is written already, and may be long. */
export async function jsonText(status: number, text: string): Promise<BytesAnswer> {
  return bytes(status, 'application/json', await encodeText(text));
}

export function bytes(status: number, type: string, body: Buffer, headers?: Headers): BytesAnswer {
  return { kind: 'bytes', status, type, bytes: body, headers };
}

export function empty(headers?: Headers): EmptyAnswer {
  return { kind: 'empty', headers };
}
