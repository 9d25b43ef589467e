import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { ask, callTwice } from './two-calls.mjs';

const app = new Hono();
app.get('/:name', async (context) => {
  await ask(`first call of ${context.req.param('name')}`);
  await ask(`second call of ${context.req.param('name')}`);
  return context.text('ok');
});
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  callTwice(port).then(() => server.close()),
);
