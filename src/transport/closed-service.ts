/** The transport to a service that is known to be closed. Prompts must not go to whoever has its name by now. */
import type { Transport } from './transport.ts';

export class ServiceClosedError extends Error {
  constructor(baseUrl: string) {
    super(
      `${new URL(baseUrl).hostname} is closed since September 2025, and nothing is sent to it: unset HUMANLOOP_BASE_URL ` +
        '(or the option baseUrl) to log to a server on this machine, which npx humanloop-otel serve starts',
    );
  }
}

export function createClosedTransport(baseUrl: string): Transport {
  const cause = new ServiceClosedError(baseUrl);
  return {
    send: async () => ({ kind: 'unsent', cause, roundTripTime: 0 }),
    close: async () => undefined,
  };
}
