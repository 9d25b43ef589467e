import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { HumanloopSpanExporter } from 'humanloop-otel';
import OpenAI from 'openai';

const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new HumanloopSpanExporter())] });
provider.register();
new OpenAIInstrumentation().manuallyInstrument(OpenAI);
process.once('beforeExit', () => provider.shutdown());
