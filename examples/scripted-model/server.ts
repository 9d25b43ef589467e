/** A small endpoint that speaks the OpenAI chat completions API, for runs without a key. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, answerTo, type ChatRequest, countTokens } from './answers.ts';

const THINKING_MILLIS = 80;
const WORD_MILLIS = 20;

export interface ScriptedModel {
  /** The value for `OPENAI_BASE_URL`: `http://127.0.0.1:50123/v1`. */
  readonly baseUrl: string;
  close(): void;
}

export async function startScriptedModel(): Promise<ScriptedModel> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      sendJson(response, 500, { error: { message: error.message, type: 'server_error' } });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST' || !request.url?.endsWith('/chat/completions')) {
    const message = `The scripted model knows only POST /chat/completions, not ${request.method} ${request.url}`;
    return sendJson(response, 404, { error: { message, type: 'invalid_request_error' } });
  }
  const chat = (await json(request)) as ChatRequest;
  const scripted = answerTo(chat);
  await sleep(THINKING_MILLIS);
  if (scripted.kind === 'error') {
    const error = { message: scripted.message, type: 'requests', code: 'rate_limit_exceeded' };
    return sendJson(response, scripted.status, { error });
  }
  const message = toMessage(scripted);
  const finish_reason = scripted.kind === 'tool' ? 'tool_calls' : 'stop';
  const prompt_tokens = countTokens([chat.messages, chat.tools ?? []]);
  const completion_tokens = countTokens(message);
  const usage = { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
  const head = { id: 'chatcmpl-scripted', created: Math.floor(Date.now() / 1000), model: chat.model };
  if (!chat.stream) {
    const choices = [{ index: 0, message, finish_reason, logprobs: null }];
    return sendJson(response, 200, { ...head, object: 'chat.completion', choices, usage });
  }

  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (fields: object) => {
    response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...fields })}\n\n`);
  };
  for (const delta of toDeltas(scripted)) {
    send({ choices: [{ index: 0, delta, finish_reason: null }] });
    await sleep(WORD_MILLIS);
  }
  send({ choices: [{ index: 0, delta: {}, finish_reason }] });
  if (chat.stream_options?.include_usage) send({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

type Spoken = Exclude<Answer, { kind: 'error' }>;

function toMessage(spoken: Spoken): object {
  if (spoken.kind === 'text') return { role: 'assistant', content: spoken.text, refusal: null };
  return { role: 'assistant', content: null, refusal: null, tool_calls: [toToolCall(spoken)] };
}

function toDeltas(spoken: Spoken): object[] {
  if (spoken.kind === 'tool') return [{ role: 'assistant', tool_calls: [{ index: 0, ...toToolCall(spoken) }] }];
  const words = spoken.text.split(/(?<=\s)/).map((content) => ({ content }));
  return [{ role: 'assistant', content: '' }, ...words];
}

function toToolCall({ name, arguments: args }: Extract<Answer, { kind: 'tool' }>) {
  return { id: `call_${name}`, type: 'function', function: { name, arguments: args } };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
