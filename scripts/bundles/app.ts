/** The app that most trials build: one model call, traced with the SDK, and a flush at its end. */
export const SDK = { '@opentelemetry/sdk-trace-base': '2.12.1' } as const;

const BODY = `
const processor = new HumanloopSpanProcessor();
const provider = new BasicTracerProvider({ spanProcessors: [processor] });
const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' };
provider.getTracer('app').startSpan('chat', { attributes }).end();
`;

export const IMPORTS = `
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { HumanloopSpanProcessor } from 'humanloop-otel';
`;

const REQUIRES = `
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { HumanloopSpanProcessor } = require('humanloop-otel');
`;

const END = `provider.shutdown().then(() => { if (processor.stats().logged !== 1) process.exitCode = 1; });\n`;

export const MODULE_APP = IMPORTS + BODY + END;
export const COMMONJS_APP = REQUIRES + BODY + END;
export const JEST_TEST = `${REQUIRES}
const { startServer } = require('humanloop-otel/server');
test('a span becomes a log', async () => {${BODY}
  await provider.shutdown();
  expect(processor.stats().logged).toBe(1);
  expect(typeof startServer).toBe('function');
});
`;
/** A serverless function, called by the step that runs it. */
export const HANDLER = `${IMPORTS}${BODY}
export async function handler() {
  await provider.forceFlush();
  return { statusCode: 200 };
}
`;
