import { createServer } from 'node:http';
import { ask, callTwice } from './two-calls.mjs';

const server = createServer(async ({ url }, response) => {
  await ask(`first call of ${url}`);
  await ask(`second call of ${url}`);
  response.end('ok');
});
server.listen(0, '127.0.0.1', () => callTwice(server.address().port).then(() => server.close()));
