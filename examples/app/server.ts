/** The app: an HTTP server whose requests end in model calls. The HTTP spans above these are not logs. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { trace } from '@opentelemetry/api';
import { ask, askOverloadedModel, planTrip, research, stream } from './assistant.ts';

const ROUTES: Readonly<Record<string, (question: string) => Promise<string> | AsyncIterable<string>>> = {
  '/ask': ask,
  '/stream': stream,
  '/trip': planTrip,
  '/research': research,
  '/overloaded': askOverloadedModel,
};

export function createApp(): Server {
  return createServer((request, response) => {
    handle(request, response).catch((error: Error) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(error.message);
    });
  });
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = ROUTES[request.url ?? ''];
  if (!route) return void response.writeHead(404).end(`no such page: ${request.url}`);
  // All spans of a request belong to its visitor's conversation.
  const conversation = request.headers['x-conversation'];
  if (typeof conversation === 'string') trace.getActiveSpan()?.setAttribute('session.id', conversation);

  const answer = route(await text(request));
  if (answer instanceof Promise) return void response.end(await answer);
  for await (const part of answer) response.write(part);
  response.end();
}
