/** Creates the transport that the options ask for. */
import { UPDATES_PER_CONNECTION } from '../delivery/sender.ts';
import type { ResolvedOptions } from '../options.ts';
import { createGzipTransport } from '../transport/gzip-transport.ts';
import { createHttpTransport } from '../transport/http-transport.ts';
import type { Transport } from '../transport/transport.ts';

export function createTransport(options: ResolvedOptions): Transport {
  const transport = createHttpTransport({
    ...options,
    connections: options.concurrency,
    pipelining: UPDATES_PER_CONNECTION,
  });
  return options.compression === 'gzip' ? createGzipTransport(transport) : transport;
}
