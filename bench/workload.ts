/**
 * The traces that every contender gets: one agent, three chat spans below HTTP spans, and two tools. 6 of these 12
 * spans are logs. A chat span has 2 kB of prompt and 1 kB of answer as JSON, as instrumentations write them.
 */
import { context, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api';

export const SPANS_PER_TRACE = 12;
export const LOGS_PER_TRACE = 6;
/** Sent before a measurement. 2,400 spans load lazy modules and connect; 60,000 also leave nothing to compile. */
export const FRESH_TRACES = 200;
export const WARM_TRACES = 5_000;

const TEXTS = 256;
const WORDS =
  'the agent looked up each order and then it asked for "a second" quote\nwith limits, prices, dates (2024) and names of what is in stock; no other plan held up so well'.split(
    ' ',
  );

export interface Conversation {
  readonly input: string;
  readonly output: string;
}

/** Half of them have a character for which V8 stores the text in two bytes per character, as most model answers do. */
export const CONVERSATIONS: readonly Conversation[] = Array.from({ length: TEXTS }, (_, seed) => {
  const mark = seed % 2 === 0 ? '’' : "'";
  const message = (role: string, length: number, more: object = {}) => ({
    role,
    parts: [{ type: 'text', content: textOf(seed + length, length) + mark }],
    ...more,
  });
  return {
    input: JSON.stringify([message('system', 400), message('user', 1_450)]),
    output: JSON.stringify([message('assistant', 900, { finish_reason: 'stop' })]),
  };
});

function textOf(seed: number, length: number): string {
  let text = '';
  for (let i = seed; text.length < length; i++) text += `${WORDS[(i * 7 + seed) % WORDS.length]} `;
  return text.slice(0, length);
}

let workloads = 0;

/** Makes traces and records the duration of each `end()`. */
export class Workload {
  /** Durations of `end()` in microseconds. */
  readonly endMicros: number[] = [];
  readonly #tracer: Tracer;
  readonly #number = workloads++;
  #count = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /**
   * Makes a whole trace, or that many spans below `parent`, without a turn of the event loop. Returns the reference id of
   * the agent's log.
   */
  trace(parent?: Span, conversation?: string): string {
    const agent = this.startAgent(parent, conversation);
    for (let step = 0; step < 3; step++) this.#chat(agent, step);
    for (let step = 0; step < 2; step++) this.#tool(agent, step);
    agent.setAttribute('gen_ai.output.messages', this.#conversation().output);
    this.#end(agent);
    const { traceId, spanId } = agent.spanContext();
    return `${traceId}-${spanId}`;
  }

  startAgent(parent?: Span, conversation = `conversation-${this.#count}`): Span {
    const attributes = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.provider.name': 'openai',
      'gen_ai.agent.name': 'planner',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.conversation.id': conversation,
    };
    return this.#start('invoke_agent planner', SpanKind.INTERNAL, attributes, parent);
  }

  #conversation(): Conversation {
    return CONVERSATIONS[this.#count++ % TEXTS] as Conversation;
  }

  #chat(agent: Span, step: number): void {
    const { input, output } = this.#conversation();
    const outer = this.#start('POST /answer', SpanKind.SERVER, httpAttributes('/answer'), agent);
    const chat = this.#start(
      'chat gpt-4o-mini',
      SpanKind.CLIENT,
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o-mini',
        'gen_ai.request.temperature': 0.2,
        'gen_ai.request.max_tokens': 1024,
        'server.address': 'api.openai.com',
        'gen_ai.input.messages': input,
      },
      outer,
    );
    const inner = this.#start('POST', SpanKind.CLIENT, httpAttributes('/v1/chat/completions'), chat);
    this.#end(inner);
    chat.setAttributes({
      // Providers give no id twice.
      'gen_ai.response.id': `chatcmpl-${this.#number}-${this.#count}`,
      'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 480 + step,
      'gen_ai.usage.output_tokens': 230,
      'gen_ai.output.messages': output,
    });
    this.#end(chat);
    this.#end(outer);
  }

  #tool(agent: Span, step: number): void {
    const tool = this.#start(
      'execute_tool lookup',
      SpanKind.INTERNAL,
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'lookup',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': `call_${this.#count}_${step}`,
        'gen_ai.tool.call.arguments': '{"order":"A-1042","fields":["price","stock"]}',
      },
      agent,
    );
    tool.setAttribute('gen_ai.tool.call.result', '{"price":12.5,"stock":7,"note":"ships within two days"}');
    this.#end(tool);
  }

  #start(name: string, kind: SpanKind, attributes: Record<string, string | number>, parent?: Span) {
    const root = context.active();
    return this.#tracer.startSpan(name, { kind, attributes }, parent ? trace.setSpan(root, parent) : root);
  }

  #end(span: Span): void {
    const before = performance.now();
    span.end();
    this.endMicros.push((performance.now() - before) * 1000);
  }
}

function httpAttributes(path: string): Record<string, string | number> {
  return {
    'http.request.method': 'POST',
    'url.full': `https://api.example.com${path}`,
    'url.path': path,
    'server.address': 'api.example.com',
    'server.port': 443,
    'http.response.status_code': 200,
    'network.protocol.version': '1.1',
  };
}
