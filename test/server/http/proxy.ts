/** A small reverse proxy, as nginx or Caddy would be one: it takes a path away or leaves it, and sets headers. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ProxyRules {
  /** What the public address has before every path: `/base`. */
  readonly basePath: string;
  /** Whether the server gets paths without it. */
  readonly takesAway: boolean;
  /** Whether the server gets the public `Host`, or the one that the proxy connects to, as by nginx's default. */
  readonly keepsHost: boolean;
}

/** Resolves to the origin of the proxy. `start` makes the server and returns its port: it may need that origin. */
export async function startProxy(rules: ProxyRules, start: (origin: string) => Promise<number>): Promise<string> {
  const { basePath, takesAway, keepsHost } = rules;
  let port = 0;
  const proxy = createServer((incoming, outgoing) => {
    const url = incoming.url ?? '/';
    if (!url.startsWith(basePath)) return void outgoing.writeHead(404).end('not of this app');
    const path = takesAway ? url.slice(basePath.length).replace(/^\/?/, '/') : url;
    const headers = {
      ...incoming.headers,
      'x-forwarded-for': [incoming.headers['x-forwarded-for'], incoming.socket.remoteAddress].flat().join(', '),
      ...(!keepsHost && { host: `127.0.0.1:${port}` }),
    };
    const call = request({ port, path, method: incoming.method, headers }, (response) => {
      outgoing.writeHead(response.statusCode!, response.headers);
      response.pipe(outgoing);
    });
    call.on('error', () => outgoing.destroy());
    outgoing.on('close', () => call.destroy());
    incoming.pipe(call);
  });
  proxy.listen(0, '127.0.0.1');
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  await once(proxy, 'listening');
  // A name of its own, which a server on a loopback address refuses unless it knows it.
  const origin = `http://logs.localhost:${(proxy.address() as AddressInfo).port}`;
  port = await start(origin);
  return origin;
}
