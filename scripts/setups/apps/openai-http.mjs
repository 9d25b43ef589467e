import { createServer, get } from 'node:http';
import OpenAI from 'openai';

const client = new OpenAI();
const ask = (content) =>
  client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });

// Two requests at once, each with two calls.
const server = createServer(async (request, response) => {
  await ask(`first call of ${request.url}`);
  await ask(`second call of ${request.url}`);
  response.end('ok');
});
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const call = (path) =>
    new Promise((resolve) => get({ port, path, agent: false }, (answer) => answer.resume().on('end', resolve)));
  await Promise.all([call('/a'), call('/b')]);
  server.close();
});
