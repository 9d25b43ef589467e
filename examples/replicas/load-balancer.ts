/** Each request goes to the next server: there are no sticky sessions. */
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export async function startLoadBalancer(urls: readonly string[]) {
  const counts = urls.map(() => 0);
  let next = 0;
  const server = createServer((request, response) => {
    const index = next++ % urls.length;
    counts[index]! += 1;
    const { method, headers } = request;
    const forwarded = send(new URL(request.url!, urls[index]), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    // The sender comes again, and meets another server.
    forwarded.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => server.close().closeAllConnections();
  return { url: `http://127.0.0.1:${port}`, requests: () => [...counts], close };
}
