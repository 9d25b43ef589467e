/**
 * The set-ups that `npm run setups` tries. A row is one folder with what a user would install and set; its app is run
 * on each Node version and in each module format.
 */

export interface Setup {
  /** Names the row and its folder. */
  readonly name: string;
  readonly install: readonly string[];
  /** Environment that the user sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program in `apps/`. */
  readonly app: string;
  /** Default: `esm` and `cjs`. */
  readonly formats?: readonly Format[];
  /** Major versions of Node. Default: all of `NODES`. */
  readonly nodes?: readonly number[];
  /** Arguments of Node before the program. Default: `--import humanloop-otel/register`. */
  readonly nodeArgs?: readonly string[];
  /**
   * The sessions that must arrive, in any order. `agent!(model! tool! model!)` are logs in their parent; `!` marks those
   * with content: a model's messages and answer, or a tool's input and output. Logs of type `generic`, such as chains, are
   * left out.
   */
  readonly expects: readonly string[];
  /** What the last line on stderr must contain. Default: only the line at the start is printed. */
  readonly says?: string;
}

export type Format = 'esm' | 'cjs';

export const NODES = [20, 22, 24, 26];

const SDK = ['@opentelemetry/api', '@opentelemetry/sdk-trace-node'];
const BUNDLE = '@opentelemetry/auto-instrumentations-node';
const OPEN_INFERENCE = '@arizeai/openinference-instrumentation';
const OPEN_LLMETRY = '@traceloop/instrumentation';

const TWO_CALLS = ['model!', 'model!'];
const AGENT_RUN = ['model! tool! model!'];

export const SETUPS: readonly Setup[] = [
  ...['5', '6', '7'].map((version) => ({
    name: `openai ${version}, OpenInference`,
    install: [...SDK, `openai@${version}`, `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
    ...(version === '7' && { nodes: [22, 24, 26] }),
  })),
  ...['4', '5', '6'].map((version) => ({
    name: `openai ${version}, OpenLLMetry`,
    install: [...SDK, `openai@${version}`, `${OPEN_LLMETRY}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
  })),
  ...['4', '6'].map((version) => ({
    name: `openai ${version}, OpenTelemetry`,
    install: [...SDK, `openai@${version}`, '@opentelemetry/instrumentation-openai'],
    app: 'openai',
    expects: TWO_CALLS,
  })),
  {
    name: 'openai 6, SDK 3',
    install: ['@opentelemetry/api', '@opentelemetry/sdk-trace@3', 'openai@6', `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    nodes: [22, 24, 26],
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, SDK 3, not sampled',
    install: ['@opentelemetry/api', '@opentelemetry/sdk-trace@3', 'openai@6', `${OPEN_INFERENCE}-openai`],
    env: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    app: 'openai',
    nodes: [22, 26],
    expects: [],
    says: 'no LLM span was seen',
  },
  {
    name: 'openai 6, SDK 1',
    install: ['@opentelemetry/api', '@opentelemetry/sdk-trace-node@1.30', 'openai@6', `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, tsx',
    install: [...SDK, 'openai@6', `${OPEN_INFERENCE}-openai`, 'tsx'],
    nodeArgs: ['--import', 'tsx', '--import', 'humanloop-otel/register'],
    app: 'openai',
    nodes: [20, 24],
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, the bundle, --require',
    install: [...SDK, 'openai@6', BUNDLE],
    nodeArgs: ['--require', 'humanloop-otel/register'],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, the bundle',
    install: [...SDK, 'openai@6', BUNDLE],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, the bundle and OpenInference',
    install: [...SDK, 'openai@6', BUNDLE, `${OPEN_INFERENCE}-openai`],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, --require',
    install: [...SDK, 'openai@6', `${OPEN_INFERENCE}-openai`],
    nodeArgs: ['--require', 'humanloop-otel/register'],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6, all three',
    install: [
      ...SDK,
      'openai@6',
      `${OPEN_INFERENCE}-openai`,
      `${OPEN_LLMETRY}-openai`,
      '@opentelemetry/instrumentation-openai',
    ],
    app: 'openai',
    expects: TWO_CALLS,
  },
  {
    name: 'openai 6 in an HTTP server',
    install: [...SDK, 'openai@6', `${OPEN_INFERENCE}-openai`],
    app: 'openai-http',
    expects: ['model! model!', 'model! model!'],
  },
  {
    name: 'openai 7, nothing else',
    install: [...SDK, 'openai@7'],
    app: 'openai',
    nodes: [22, 24],
    expects: [],
    says: `npm install ${OPEN_INFERENCE}-openai`,
  },
  {
    name: '@anthropic-ai/sdk 1',
    install: [...SDK, '@anthropic-ai/sdk@1'],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: '@anthropic-ai/sdk 1, OpenInference',
    install: [...SDK, '@anthropic-ai/sdk@1', `${OPEN_INFERENCE}-anthropic`],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: 'LangGraph with @anthropic-ai/sdk beside it',
    install: [...SDK, '@anthropic-ai/sdk@1', '@langchain/core@1', `${OPEN_INFERENCE}-langchain`],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: '@anthropic-ai/sdk 0.60, OpenInference',
    install: [...SDK, '@anthropic-ai/sdk@0.60', `${OPEN_INFERENCE}-anthropic`],
    app: 'anthropic',
    expects: ['model!'],
  },
  {
    name: '@anthropic-ai/sdk 0.60, OpenLLMetry',
    install: [...SDK, '@anthropic-ai/sdk@0.60', `${OPEN_LLMETRY}-anthropic`],
    app: 'anthropic',
    expects: ['model!'],
  },
  ...['1', '2', '3'].map((version) => ({
    name: `@google/genai ${version}, OpenLLMetry`,
    install: [...SDK, `@google/genai@${version}`, `${OPEN_LLMETRY}-google-generativeai`],
    app: 'google-genai',
    expects: ['model!'],
    ...(version === '3' && { nodes: [22, 24, 26] }),
  })),
  {
    name: 'Bedrock, OpenInference',
    install: [...SDK, '@aws-sdk/client-bedrock-runtime', '@smithy/node-http-handler', `${OPEN_INFERENCE}-bedrock`],
    app: 'bedrock',
    expects: ['model!'],
  },
  {
    name: 'Bedrock, OpenLLMetry',
    install: [...SDK, '@aws-sdk/client-bedrock-runtime', '@smithy/node-http-handler', `${OPEN_LLMETRY}-bedrock`],
    app: 'bedrock',
    // It reports content of InvokeModel only.
    expects: ['model'],
  },
  {
    name: 'LangGraph, OpenInference',
    install: [
      ...SDK,
      '@langchain/core@1',
      '@langchain/langgraph@1',
      '@langchain/openai@1',
      'zod',
      `${OPEN_INFERENCE}-langchain`,
    ],
    app: 'langgraph',
    expects: AGENT_RUN,
  },
  {
    name: 'LangGraph, OpenInference for it and openai',
    install: [
      ...SDK,
      '@langchain/core@1',
      '@langchain/langgraph@1',
      '@langchain/openai@1',
      'zod',
      `${OPEN_INFERENCE}-langchain`,
      `${OPEN_INFERENCE}-openai`,
    ],
    app: 'langgraph',
    expects: AGENT_RUN,
  },
  {
    name: '@openai/agents, OpenInference',
    install: [...SDK, '@openai/agents', 'zod', `${OPEN_INFERENCE}-openai-agents`],
    app: 'openai-agents',
    nodes: [22, 24, 26],
    expects: AGENT_RUN,
  },
  {
    name: '@openai/agents, OpenInference for it and openai',
    install: [...SDK, '@openai/agents', 'zod', `${OPEN_INFERENCE}-openai-agents`, `${OPEN_INFERENCE}-openai`],
    app: 'openai-agents',
    nodes: [22, 24, 26],
    expects: AGENT_RUN,
  },
  ...['5', '6'].map((version) => ({
    name: `ai ${version}`,
    install: [...SDK, `ai@${version}`, `@ai-sdk/openai@${Number(version) - 3}`, 'zod'],
    app: 'ai',
    expects: ['agent!(model! tool! model!)', 'agent!(model!)'],
  })),
  {
    name: 'ai 7, @ai-sdk/otel',
    install: [...SDK, 'ai@7', '@ai-sdk/openai@4', '@ai-sdk/otel', 'zod'],
    app: 'ai',
    nodes: [22, 24, 26],
    expects: ['agent(model! tool! model!)', 'agent(model!)'],
  },
  {
    name: 'ai 7, nothing else',
    install: [...SDK, 'ai@7', '@ai-sdk/openai@4', 'zod'],
    app: 'ai',
    nodes: [22],
    expects: [],
    says: 'npm install @ai-sdk/otel',
  },
];
