import fastify from 'fastify';
import { ask, callTwice } from './two-calls.mjs';

const app = fastify();
app.get('/:name', async ({ params }) => {
  await ask(`first call of ${params.name}`);
  await ask(`second call of ${params.name}`);
  return 'ok';
});
app
  .listen({ port: 0, host: '127.0.0.1' })
  .then(() => callTwice(app.server.address().port))
  .then(() => app.close());
