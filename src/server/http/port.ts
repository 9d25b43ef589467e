/** Opens the port, closes it in order, and explains why it could not be opened. */
import type { Server } from 'node:http';
import { HumanloopError } from '../../errors.ts';

const CLOSE_TIMEOUT_MILLIS = 10_000;

/** Resolves when the server listens. Rejects with Node's own error. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Resolves when the requests in flight are answered. Those that take longer than 10 seconds are cut off. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MILLIS);
    // A kept-alive connection becomes idle after its answer, and would stay open until its time-out.
    const sweep = setInterval(() => server.closeIdleConnections(), 20);
    server.close(() => {
      clearTimeout(deadline);
      clearInterval(sweep);
      resolve();
    });
  });
}

/**
 * Returns an error whose message tells the person who started the server what to do; any other error as it is.
 * `portOption` is how that person chooses a port.
 */
export function explainListenError(error: unknown, host: string, port: number, portOption: string): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new HumanloopError(
        `port ${port} is in use: stop what listens there, or choose another with ${portOption}`,
      );
    case 'EACCES':
      return new HumanloopError(`port ${port} may not be used by this user`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new HumanloopError(`${host} is not an address of this machine`);
    default:
      return error;
  }
}
