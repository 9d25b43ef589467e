import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { HumanloopSpanProcessor } from 'humanloop-otel';
import OpenAI from 'openai';

const provider = new TracerProvider({ spanProcessors: [new HumanloopSpanProcessor()] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
new OpenAIInstrumentation().manuallyInstrument(OpenAI);
process.once('beforeExit', () => provider.shutdown());
