/** Compresses requests, off the app's thread, as long as the server takes them so. */
import { promisify } from 'node:util';
import { Warnings } from '../host/warnings.ts';
import type { Transport, TransportOutcome, TransportRequest } from './transport.ts';

/** Below this, compressing saves no packet. */
const MIN_BYTES = 1_024;
/** Higher levels cost three times the CPU for a tenth less. */
const LEVEL = 1;
const UNSUPPORTED_MEDIA_TYPE = 415;

export function createGzipTransport(transport: Transport): Transport {
  return new GzipTransport(transport);
}

class GzipTransport implements Transport {
  readonly #transport: Transport;
  readonly #warnings = new Warnings();
  /** Until a compressed request has passed, any refusal of one may be that of a server which does not unpack it. */
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
    this.#warnings.warn('gzip', 'the server takes no gzip; requests are sent as they are');
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
  const zlib = await import('node:zlib');
  return promisify(zlib.gzip)(bytes, { level: LEVEL });
}
