import express from 'express';
import { ask, callTwice } from './two-calls.mjs';

const app = express();
app.get('/:name', async ({ params }, response) => {
  await ask(`first call of ${params.name}`);
  await ask(`second call of ${params.name}`);
  response.send('ok');
});
const server = app.listen(0, '127.0.0.1', () => callTwice(server.address().port).then(() => server.close()));
