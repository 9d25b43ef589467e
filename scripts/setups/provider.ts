/**
 * A provider on this machine that answers in the words of OpenAI, Anthropic, Google and Bedrock. If tools are offered, it
 * calls the first one once, and then answers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const ANSWER = 'Oslo is the capital of Norway.';
const TOOL_ARGUMENTS = { city: 'Oslo' };

interface Body {
  readonly stream?: boolean;
  readonly model?: string;
  readonly tools?: readonly { readonly name?: string; readonly function?: { readonly name: string } }[];
}

export interface Provider {
  readonly url: string;
  close(): void;
}

export async function openProvider(): Promise<Provider> {
  const server = createServer((request, response) => {
    readBody(request).then(
      (text) => answer(request.url ?? '/', text, response),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function answer(path: string, text: string, response: ServerResponse): void {
  // What Sentry and Langfuse report. It is not JSON.
  if (path.includes('/envelope/') || path.endsWith('/v1/traces')) return send(response, {});
  const body = (text ? JSON.parse(text) : {}) as Body;
  const wasCalled = /"role":"tool"|"function_call_output"|"tool_result"|"toolResult"|"functionResponse"/.test(text);
  const tool = wasCalled ? undefined : body.tools?.[0];
  const name = tool && (tool.function?.name ?? tool.name);
  if (path.endsWith('/chat/completions')) return body.stream ? streamChat(response) : send(response, chat(body, name));
  if (path.endsWith('/responses')) return send(response, responses(body, name));
  if (path.endsWith('/embeddings')) return send(response, embeddings(body));
  if (path.endsWith('/messages')) return send(response, messages(body, name));
  if (path.includes(':generateContent')) return send(response, generateContent());
  if (path.endsWith('/converse')) return send(response, converse());
  response.writeHead(404).end();
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const toolCall = (name: string) => ({
  id: 'call_1',
  type: 'function',
  function: { name, arguments: JSON.stringify(TOOL_ARGUMENTS) },
});

function chat({ model }: Body, tool: string | undefined): object {
  const message = tool
    ? { role: 'assistant', content: null, refusal: null, tool_calls: [toolCall(tool)] }
    : { role: 'assistant', content: ANSWER, refusal: null };
  return {
    id: `chatcmpl-${Date.now()}${Math.random()}`,
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, message, finish_reason: tool ? 'tool_calls' : 'stop', logprobs: null }],
    usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 },
  };
}

function streamChat(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = (fields: object) =>
    response.write(
      `data: ${JSON.stringify({ id: 'chatcmpl-2', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', ...fields })}\n\n`,
    );
  for (const content of ANSWER.split(/(?<= )/)) {
    event({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] });
  }
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 } });
  response.end('data: [DONE]\n\n');
}

function responses({ model }: Body, tool: string | undefined): object {
  const output = tool
    ? {
        type: 'function_call',
        id: 'fc_1',
        call_id: 'call_1',
        name: tool,
        arguments: JSON.stringify(TOOL_ARGUMENTS),
        status: 'completed',
      }
    : {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: ANSWER, annotations: [] }],
      };
  return {
    id: `resp_${Date.now()}${Math.random()}`,
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    model,
    output: [output],
    usage: {
      input_tokens: 12,
      output_tokens: 7,
      total_tokens: 19,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
  };
}

function embeddings({ model }: Body): object {
  const data = [{ object: 'embedding', index: 0, embedding: [0.1, 0.2, 0.3] }];
  return { object: 'list', model, data, usage: { prompt_tokens: 4, total_tokens: 4 } };
}

function messages({ model }: Body, tool: string | undefined): object {
  const content = tool
    ? { type: 'tool_use', id: 'toolu_1', name: tool, input: TOOL_ARGUMENTS }
    : { type: 'text', text: ANSWER };
  return {
    id: `msg_${Date.now()}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [content],
    stop_reason: tool ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 12, output_tokens: 7 },
  };
}

function generateContent(): object {
  return {
    candidates: [{ content: { role: 'model', parts: [{ text: ANSWER }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 7, totalTokenCount: 19 },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'response-1',
  };
}

function converse(): object {
  return {
    output: { message: { role: 'assistant', content: [{ text: ANSWER }] } },
    stopReason: 'end_turn',
    usage: { inputTokens: 12, outputTokens: 7, totalTokens: 19 },
    metrics: { latencyMs: 5 },
  };
}
