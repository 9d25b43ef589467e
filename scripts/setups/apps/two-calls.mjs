/** Shared by the apps that are HTTP servers: each request makes two calls. */
import { get } from 'node:http';
import OpenAI from 'openai';

const client = new OpenAI();

export const ask = (content) =>
  client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });

/** Sends two requests at once. */
export function callTwice(port) {
  const call = (path) =>
    new Promise((resolve) => get({ port, path, agent: false }, (answer) => answer.resume().on('end', resolve)));
  return Promise.all([call('/a'), call('/b')]);
}
