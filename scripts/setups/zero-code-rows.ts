/** Set-ups without tracing code: `node --import humanloop-otel/register`, and instrumentations beside the app. */
import { NODES_OF_SDK_3, type Setup } from './setup.ts';

const SDK = ['@opentelemetry/api', '@opentelemetry/sdk-trace-node'];
const SDK_3 = ['@opentelemetry/api', '@opentelemetry/sdk-trace@3'];
const BUNDLE = '@opentelemetry/auto-instrumentations-node';
const OPEN_INFERENCE = '@arizeai/openinference-instrumentation';
const OPEN_LLMETRY = '@traceloop/instrumentation';

const TWO_CALLS = ['model!', 'model!'];
/** LangGraph's agents are chains, which are left out. */
const AGENT_RUN = ['model! tool! model!'];
const MASTRA = ['@mastra/core@1', '@ai-sdk/openai@4', 'zod'];
const AGENTS_RUN = ['agent!(agent(model! tool! model!))'];
const TWO_REQUESTS = ['model! model!', 'model! model!'];

const OPENAI: readonly Setup[] = [
  ...['5', '6', '7'].map((version) => ({
    name: `openai ${version}, OpenInference`,
    line: { have: '`openai` 5, 6 and 7' },
    uses: [`openai@${version}`],
    install: [...SDK, `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
    ...(version === '7' && { nodes: NODES_OF_SDK_3 }),
  })),
  ...['4', '5', '6'].map((version) => ({
    name: `openai ${version}, OpenLLMetry`,
    ...(version === '4' && { line: { have: '`openai` 4' } }),
    uses: [`openai@${version}`],
    install: [...SDK, `${OPEN_LLMETRY}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
  })),
  ...['4', '6'].map((version) => ({
    name: `openai ${version}, OpenTelemetry`,
    uses: [`openai@${version}`],
    install: [...SDK, '@opentelemetry/instrumentation-openai'],
    app: 'openai',
    expects: TWO_CALLS,
  })),
  {
    name: 'openai 6, SDK 3',
    uses: ['openai@6'],
    install: [...SDK_3, `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    nodes: NODES_OF_SDK_3,
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, SDK 3, not sampled',
    uses: ['openai@6'],
    install: [...SDK_3, `${OPEN_INFERENCE}-openai`],
    env: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    app: 'openai',
    nodes: [22, 26],
    expects: [],
    says: 'no LLM span was seen',
  },
  {
    name: 'openai 6, SDK 1',
    uses: ['openai@6'],
    install: ['@opentelemetry/api', '@opentelemetry/sdk-trace-node@1.30', `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, tsx',
    uses: ['openai@6', 'tsx'],
    install: [...SDK, `${OPEN_INFERENCE}-openai`],
    nodeArgs: ['--import', 'tsx', '--import', 'humanloop-otel/register'],
    app: 'openai',
    nodes: [20, 24],
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, the bundle, --require',
    uses: ['openai@6'],
    install: [...SDK, BUNDLE],
    nodeArgs: ['--require', 'humanloop-otel/register'],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, the bundle',
    uses: ['openai@6'],
    install: [...SDK, BUNDLE],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, the bundle and OpenInference',
    uses: ['openai@6'],
    install: [...SDK, BUNDLE, `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, --require',
    uses: ['openai@6'],
    install: [...SDK, `${OPEN_INFERENCE}-openai`],
    nodeArgs: ['--require', 'humanloop-otel/register'],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, all three',
    uses: ['openai@6'],
    install: [...SDK, `${OPEN_INFERENCE}-openai`, `${OPEN_LLMETRY}-openai`, '@opentelemetry/instrumentation-openai'],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 7, nothing else',
    uses: ['openai@7'],
    install: SDK,
    app: 'openai',
    nodes: [22, 24],
    expects: [],
    says: `npm install ${OPEN_INFERENCE}-openai`,
  },
];

const OTHER_CLIENTS: readonly Setup[] = [
  {
    name: '@anthropic-ai/sdk 1',
    line: { have: '`@anthropic-ai/sdk` 1' },
    uses: ['@anthropic-ai/sdk@1'],
    install: SDK,
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: '@anthropic-ai/sdk 1, OpenInference',
    uses: ['@anthropic-ai/sdk@1'],
    install: [...SDK, `${OPEN_INFERENCE}-anthropic`],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: 'LangGraph with @anthropic-ai/sdk beside it',
    uses: ['@anthropic-ai/sdk@1', '@langchain/core@1'],
    install: [...SDK, `${OPEN_INFERENCE}-langchain`],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: '@anthropic-ai/sdk 0.60, OpenInference',
    line: { have: '`@anthropic-ai/sdk` before 0.134' },
    uses: ['@anthropic-ai/sdk@0.60'],
    install: [...SDK, `${OPEN_INFERENCE}-anthropic`],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: '@anthropic-ai/sdk 0.60, OpenLLMetry',
    uses: ['@anthropic-ai/sdk@0.60'],
    install: [...SDK, `${OPEN_LLMETRY}-anthropic`],
    app: 'anthropic',
    expects: ['model!'],
  },
  ...['1', '2', '3'].map((version) => ({
    name: `@google/genai ${version}, OpenLLMetry`,
    line: { have: '`@google/genai` 1, 2 and 3' },
    uses: [`@google/genai@${version}`],
    install: [...SDK, `${OPEN_LLMETRY}-google-generativeai`],
    app: 'google-genai',
    expects: ['model!'],
    ...(version === '3' && { nodes: NODES_OF_SDK_3 }),
  })),
  {
    name: 'Bedrock, OpenInference',
    line: { have: 'Bedrock: `@aws-sdk/client-bedrock-runtime`' },
    uses: ['@aws-sdk/client-bedrock-runtime', '@smithy/node-http-handler'],
    install: [...SDK, `${OPEN_INFERENCE}-bedrock`],
    app: 'bedrock',
    expects: ['model!'],
  },
  {
    name: 'Bedrock, OpenLLMetry',
    uses: ['@aws-sdk/client-bedrock-runtime', '@smithy/node-http-handler'],
    install: [...SDK, `${OPEN_LLMETRY}-bedrock`],
    app: 'bedrock',
    // It reports content of InvokeModel only.
    expects: ['model'],
  },
];

const LANGGRAPH = ['@langchain/core@1', '@langchain/langgraph@1', '@langchain/openai@1', 'zod'];

const AGENTS: readonly Setup[] = [
  {
    name: 'LangGraph, OpenInference',
    line: { have: 'LangChain and LangGraph 1' },
    uses: LANGGRAPH,
    install: [...SDK, `${OPEN_INFERENCE}-langchain`],
    app: 'langgraph',
    expects: AGENT_RUN,
  },
  {
    name: 'LangGraph 0.4 of @langchain/core 0.3, OpenInference',
    uses: ['@langchain/core@0.3', '@langchain/langgraph@0.4', '@langchain/openai@0.6', 'zod@3'],
    install: [...SDK, `${OPEN_INFERENCE}-langchain`],
    app: 'langgraph',
    expects: AGENT_RUN,
  },
  {
    name: 'LangGraph, OpenInference for it and openai',
    uses: LANGGRAPH,
    install: [...SDK, `${OPEN_INFERENCE}-langchain`, `${OPEN_INFERENCE}-openai`],
    app: 'langgraph',
    expects: AGENT_RUN,
  },
  {
    name: '@openai/agents, OpenInference',
    line: { have: '`@openai/agents`' },
    uses: ['@openai/agents', 'zod'],
    install: [...SDK, `${OPEN_INFERENCE}-openai-agents`],
    app: 'openai-agents',
    nodes: NODES_OF_SDK_3,
    expects: AGENTS_RUN,
  },
  {
    name: '@openai/agents, OpenInference for it and openai',
    uses: ['@openai/agents', 'zod'],
    install: [...SDK, `${OPEN_INFERENCE}-openai-agents`, `${OPEN_INFERENCE}-openai`],
    app: 'openai-agents',
    nodes: NODES_OF_SDK_3,
    expects: AGENTS_RUN,
  },
  ...['5', '6'].map((version) => ({
    name: `ai ${version}`,
    line: { have: 'Vercel AI SDK: `ai` 5 and 6' },
    uses: [`ai@${version}`, `@ai-sdk/openai@${Number(version) - 3}`, 'zod'],
    install: SDK,
    app: 'ai',
    expects: ['agent!(model! tool! model!)', 'agent!(model!)'],
  })),
  {
    name: 'ai 7, @ai-sdk/otel',
    line: { have: 'Vercel AI SDK: `ai` 7' },
    uses: ['ai@7', '@ai-sdk/openai@4', 'zod'],
    install: [...SDK, '@ai-sdk/otel'],
    app: 'ai',
    nodes: NODES_OF_SDK_3,
    expects: ['agent(model! tool! model!)', 'agent(model!)'],
  },
  {
    name: 'ai 7, nothing else',
    uses: ['ai@7', '@ai-sdk/openai@4', 'zod'],
    install: SDK,
    app: 'ai',
    nodes: [22],
    expects: [],
    says: 'npm install @ai-sdk/otel',
  },
  {
    name: 'Mastra 1, its bridge',
    line: {
      have: 'Mastra 1',
      todo: '`npm i @mastra/observability @mastra/otel-bridge`, and [a bridge in its code](DOCS/frameworks.md#mastra)',
    },
    uses: MASTRA,
    install: [...SDK, '@mastra/observability@1', '@mastra/otel-bridge@1'],
    app: 'mastra',
    nodes: NODES_OF_SDK_3,
    // One generation of Mastra covers all rounds of its tool loop.
    expects: ['agent!(model!(tool!))'],
  },
];

const SERVERS: readonly Setup[] = [
  ...[
    { name: 'node:http', app: 'openai-http', uses: [] },
    { name: 'Express 5', app: 'express', uses: ['express@5'] },
    { name: 'Fastify 5', app: 'fastify', uses: ['fastify@5'] },
    { name: 'Hono 4', app: 'hono', uses: ['hono@4', '@hono/node-server'] },
    {
      name: 'NestJS 12',
      app: 'nestjs',
      uses: ['@nestjs/core@12', '@nestjs/common@12', '@nestjs/platform-express@12', 'reflect-metadata', 'rxjs@7'],
    },
  ].map(({ name, app, uses }) => ({
    name: `${name} and openai 6`,
    line: {
      have: 'any of these in an HTTP server: `node:http`, Express 5, Fastify 5, Hono 4, NestJS 12',
      todo: 'nothing more ([more](DOCS/frameworks.md))',
    },
    uses: [...uses, 'openai@6'],
    install: [...SDK, `${OPEN_INFERENCE}-openai`],
    app,
    expects: TWO_REQUESTS,
  })),
  {
    name: 'spans around calls, openai 6',
    uses: ['openai@6'],
    install: [...SDK, `${OPEN_INFERENCE}-openai`],
    app: 'openai-grouped',
    expects: ['model! model! model! model!'],
  },
  {
    name: 'functions wrapped with @arizeai/openinference-core',
    uses: ['@arizeai/openinference-core@2', 'openai@6'],
    install: [...SDK, `${OPEN_INFERENCE}-openai`],
    app: 'wrapped-functions',
    formats: ['esm'],
    expects: ['agent!(tool! model!)'],
  },
];

export const ZERO_CODE_SETUPS: readonly Setup[] = [...OPENAI, ...OTHER_CLIENTS, ...AGENTS, ...SERVERS];
