/** Set-ups with a file of tracing code, loaded before the app: NodeSDK, providers, and other vendors beside us. */
import { NODES_OF_SDK_3, type Setup } from './setup.ts';

const OPENINFERENCE = '@arizeai/openinference-instrumentation-openai';
const API = '@opentelemetry/api';
const TWO_CALLS = ['model!', 'model!'];

const base = { uses: ['openai@6'], app: 'openai', expects: TWO_CALLS };

export const IN_CODE_SETUPS: readonly Setup[] = [
  ...[
    { sdk: '1', version: '0.57' },
    { sdk: '2', version: '0.223' },
    { sdk: '3', version: '0.301' },
  ].map(({ sdk, version }) => ({
    ...base,
    name: `NodeSDK of SDK ${sdk}`,
    line: {
      have: '`NodeSDK` of SDK 1, 2 and 3, with any of these',
      todo: '`spanProcessors: [new HumanloopSpanProcessor()]` ([snippet](#nodesdk))',
    },
    install: [API, `@opentelemetry/sdk-node@${version}`, OPENINFERENCE],
    tracing: 'node-sdk',
    ...(sdk === '3' && { nodes: NODES_OF_SDK_3 }),
  })),
  {
    ...base,
    name: 'startNodeSdk of SDK 3',
    line: {
      have: '`startNodeSdk` of SDK 3, with any of these',
      todo: '`spanProcessors: [new HumanloopSpanProcessor()]` ([snippet](#nodesdk))',
    },
    install: [API, '@opentelemetry/sdk-node@0.301', OPENINFERENCE],
    tracing: 'start-node-sdk',
    nodes: NODES_OF_SDK_3,
  },
  {
    ...base,
    name: 'TracerProvider of SDK 3',
    install: [API, '@opentelemetry/sdk-trace@3', '@opentelemetry/context-async-hooks@3', OPENINFERENCE],
    tracing: 'tracer-provider-3',
    nodes: NODES_OF_SDK_3,
  },
  ...['1.30', '2'].map((version) => ({
    ...base,
    name: `BatchSpanProcessor and the exporter, SDK ${version[0]}`,
    install: [API, `@opentelemetry/sdk-trace-node@${version}`, OPENINFERENCE],
    tracing: 'batch-exporter',
  })),
  {
    ...base,
    name: 'log events, NodeSDK of SDK 2',
    install: [
      API,
      '@opentelemetry/sdk-node@0.223',
      '@opentelemetry/instrumentation@0.223',
      '@opentelemetry/instrumentation-openai@0.21',
    ],
    tracing: 'log-events',
  },
  {
    ...base,
    name: 'log events, NodeSDK of SDK 3',
    install: [
      API,
      '@opentelemetry/sdk-node@0.301',
      '@opentelemetry/instrumentation@0.300',
      '@opentelemetry/instrumentation-openai@0.22',
    ],
    tracing: 'log-events',
    nodes: NODES_OF_SDK_3,
  },
  {
    ...base,
    name: 'Express, NodeSDK and auto-instrumentations',
    uses: ['express@5', 'openai@6'],
    install: [
      API,
      '@opentelemetry/sdk-node@0.301',
      '@opentelemetry/instrumentation@0.300',
      '@opentelemetry/auto-instrumentations-node@0.82',
    ],
    env: { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' },
    app: 'express',
    tracing: 'auto-instrumentations',
    nodes: NODES_OF_SDK_3,
    expects: ['model! model!', 'model! model!'],
  },
  {
    ...base,
    name: 'Sentry 10',
    line: {
      have: 'Sentry 10',
      todo: '`openTelemetrySpanProcessors: [new HumanloopSpanProcessor()]` ([more](DOCS/frameworks.md#sentry))',
    },
    uses: ['@sentry/node@10', ...base.uses],
    install: [API],
    tracing: 'sentry-10',
  },
  {
    ...base,
    name: 'Sentry 11',
    line: {
      have: 'Sentry 11',
      todo: 'nothing more: zero code beside it, or NodeSDK ([more](DOCS/frameworks.md#sentry))',
    },
    uses: ['@sentry/node@11', ...base.uses],
    install: [API, '@opentelemetry/sdk-trace-node', OPENINFERENCE],
    tracing: 'sentry-11',
    nodeArgs: ['--import', './tracing.mjs', '--import', 'humanloop-otel/register'],
  },
  {
    ...base,
    name: 'Langfuse 5 beside it',
    line: {
      have: 'Langfuse 5',
      todo: 'one processor beside the other in `spanProcessors` ([more](DOCS/frameworks.md#langfuse))',
    },
    uses: ['@langfuse/otel@5', ...base.uses],
    install: [API, '@opentelemetry/sdk-node@0.223', OPENINFERENCE],
    tracing: 'langfuse',
  },
];
