/** Spans created by hand, with the attributes of OpenTelemetry's GenAI conventions. */
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopSpanProcessor } from 'humanloop-otel';

const provider = new NodeTracerProvider({
  spanProcessors: [new HumanloopSpanProcessor({ project: 'manual-example' })],
});
provider.register();
const tracer = trace.getTracer('manual-example');

const text = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

tracer.startActiveSpan('invoke_agent librarian', (agent) => {
  agent.setAttributes({
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'librarian',
    'gen_ai.request.model': 'my-own-model',
  });

  tracer.startActiveSpan('chat my-own-model', (chat) => {
    chat.setAttributes({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'my-own-provider',
      'gen_ai.request.model': 'my-own-model',
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.input.messages': text('user', 'Which book is about a white whale?'),
      'gen_ai.output.messages': text('assistant', 'Moby-Dick. Shall I check whether it is available?'),
    });
    chat.end();
  });

  tracer.startActiveSpan('execute_tool find_book', (tool) => {
    tool.setAttributes({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'find_book',
      'gen_ai.tool.call.arguments': '{"title":"Moby-Dick"}',
    });
    tool.setStatus({ code: SpanStatusCode.ERROR, message: 'the catalogue is closed on Sundays' });
    tool.end();
  });

  agent.setAttribute(
    'gen_ai.output.messages',
    text('assistant', 'Moby-Dick. Ask again tomorrow whether it is available.'),
  );
  agent.end();
});

await provider.shutdown();
