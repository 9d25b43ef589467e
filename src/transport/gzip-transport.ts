/** A transport that compresses requests off the app's thread, until the server turns out not to accept gzip. */
import { promisify } from 'node:util';
import { Warnings } from '../host/warnings.ts';
import { loadBuiltin } from '../load-module.ts';
import type { Transport, TransportOutcome, TransportRequest } from './transport.ts';

/** Compressing less does not save a network packet. */
const MIN_BYTES = 1_024;
/** Higher levels take three times the CPU to save another tenth. */
const LEVEL = 1;
const UNSUPPORTED_MEDIA_TYPE = 415;

export function createGzipTransport(transport: Transport): Transport {
  return new GzipTransport(transport);
}

class GzipTransport implements Transport {
  readonly #transport: Transport;
  readonly #warnings = new Warnings();
  /** Until a compressed request has succeeded, a refusal may mean that the server does not support gzip. */
  #support: 'unknown' | 'yes' | 'no' = 'unknown';

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async send(request: TransportRequest): Promise<TransportOutcome> {
    const { body } = request;
    if (this.#support === 'no' || !body || body.length < MIN_BYTES) return this.#transport.send(request);
    const packed = await gzip(body).catch(() => undefined);
    if (!packed) return this.#transport.send(request);
    const outcome = await this.#transport.send({ ...request, body: packed, contentEncoding: 'gzip' });
    if (isOk(outcome)) this.#support = 'yes';
    if (!this.#mayMeanNoGzip(outcome)) return outcome;
    const plain = await this.#transport.send(request);
    if (isOk(plain)) this.#giveUp();
    return plain;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #giveUp(): void {
    this.#support = 'no';
    this.#warnings.warn('gzip', 'the server does not support gzip; requests are sent uncompressed');
  }

  #mayMeanNoGzip(outcome: TransportOutcome): boolean {
    if (outcome.kind !== 'answered') return false;
    const { status } = outcome;
    return status === UNSUPPORTED_MEDIA_TYPE || (this.#support !== 'yes' && (status === 400 || status === 422));
  }
}

function isOk(outcome: TransportOutcome): boolean {
  return outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300;
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const zlib = loadBuiltin('node:zlib') as typeof import('node:zlib');
  return promisify(zlib.gzip)(bytes, { level: LEVEL });
}
