/**
 * The LLM packages that `register` knows, and for each what creates its spans: the package itself, or instrumentations.
 *
 * Of the instrumentations that are installed, the first that fits the version is used, so those with content and more
 * detail stand first. `npm run setups` runs these rows with the real packages.
 */

/** A range of major and minor versions; `to` is not in it. */
export interface VersionRange {
  readonly from?: string;
  readonly to?: string;
}

export interface Instrumentation extends VersionRange {
  readonly package: string;
  /** Name of its class. */
  readonly exported: string;
  /** Makes the argument of its `manuallyInstrument`. Default: the exports of the instrumented package. */
  readonly wrapArgument?: (exports: object) => object;
}

export interface LlmPackage {
  readonly name: string;
  /** Names in an app's package.json that show that its code uses the package. Default: its name. */
  readonly usedAs?: RegExp;
  /** The entry of the package that has what is instrumented. Default: `.`. */
  readonly entry?: string;
  /** Exported classes that an instrumentation replaces by others. */
  readonly replaced?: readonly string[];
  /** Versions that create spans by themselves, with the global tracer provider. */
  readonly native?: VersionRange;
  readonly instrumentations: readonly Instrumentation[];
  /**
   * A framework calls the other packages. Its instrumentation reports these calls itself, so that spans of the called
   * package would be duplicates. The files of a framework have this in their path.
   */
  readonly callerPath?: string;
  /** A package with which the app itself makes the package create spans. */
  readonly bridge?: string;
  /** What to do if nothing that is installed sees the calls. Default: to install the first instrumentation. */
  readonly advice?: string;
}

const openInference = (name: string, exported: string, range: VersionRange = {}): Instrumentation => ({
  package: `@arizeai/openinference-instrumentation-${name}`,
  exported,
  ...range,
});
const openLlmetry = (name: string, exported: string, range: VersionRange = {}): Instrumentation => ({
  package: `@traceloop/instrumentation-${name}`,
  exported,
  ...range,
});
const openTelemetry = (name: string, exported: string, range: VersionRange = {}): Instrumentation => ({
  package: `@opentelemetry/instrumentation-${name}`,
  exported,
  ...range,
});

export const LLM_PACKAGES: readonly LlmPackage[] = [
  {
    name: 'openai',
    instrumentations: [
      openInference('openai', 'OpenAIInstrumentation', { from: '5.0' }),
      {
        ...openLlmetry('openai', 'OpenAIInstrumentation', { from: '4.0', to: '7.0' }),
        wrapArgument: (exports) => (exports as { OpenAI: object }).OpenAI,
      },
      openTelemetry('openai', 'OpenAIInstrumentation', { from: '4.19', to: '7.0' }),
    ],
  },
  {
    name: '@anthropic-ai/sdk',
    native: { from: '0.134' },
    instrumentations: [
      openInference('anthropic', 'AnthropicInstrumentation'),
      openLlmetry('anthropic', 'AnthropicInstrumentation', { from: '0.9' }),
    ],
  },
  {
    name: '@google/genai',
    replaced: ['GoogleGenAI'],
    instrumentations: [openLlmetry('google-generativeai', 'GenAIInstrumentation')],
  },
  {
    name: '@aws-sdk/client-bedrock-runtime',
    instrumentations: [
      openInference('bedrock', 'BedrockInstrumentation', { from: '3.0', to: '4.0' }),
      openLlmetry('bedrock', 'BedrockInstrumentation'),
      openTelemetry('aws-sdk', 'AwsInstrumentation'),
    ],
  },
  {
    name: '@langchain/core',
    usedAs: /^(@langchain\/.+|langchain)$/,
    entry: './callbacks/manager',
    callerPath: '/node_modules/@langchain/',
    instrumentations: [
      openInference('langchain', 'LangChainInstrumentation', { from: '0.2' }),
      {
        ...openLlmetry('langchain', 'LangChainInstrumentation', { from: '1.0', to: '2.0' }),
        wrapArgument: (exports) => ({ callbackManagerModule: exports }),
      },
    ],
  },
  {
    name: '@openai/agents',
    usedAs: /^@openai\/agents/,
    callerPath: '/node_modules/@openai/agents',
    instrumentations: [openInference('openai-agents', 'OpenAIAgentsInstrumentation', { from: '0.1' })],
  },
  {
    name: '@anthropic-ai/claude-agent-sdk',
    instrumentations: [openInference('claude-agent-sdk', 'ClaudeAgentSDKInstrumentation', { from: '0.2' })],
  },
  {
    name: 'cohere-ai',
    instrumentations: [openLlmetry('cohere', 'CohereInstrumentation', { from: '7.7' })],
  },
  {
    name: 'together-ai',
    instrumentations: [openLlmetry('together', 'TogetherInstrumentation', { from: '0.13' })],
  },
  {
    name: '@google-cloud/vertexai',
    instrumentations: [openLlmetry('vertexai', 'VertexAIInstrumentation', { from: '1.1' })],
  },
  {
    name: '@mastra/core',
    instrumentations: [],
    bridge: '@mastra/otel-bridge',
    advice:
      'npm install @mastra/observability @mastra/otel-bridge, and add an OtelBridge to the observability of your Mastra object',
  },
];

/** OpenTelemetry's bundle of instrumentations, from which single ones are taken too. */
export const BUNDLE = '@opentelemetry/auto-instrumentations-node';

/** Returns true if the version, as package.json has it, is in the range. */
export function isInRange(version: string, { from = '0.0', to }: VersionRange): boolean {
  return compareVersions(version, from) >= 0 && (to === undefined || compareVersions(version, to) < 0);
}

/** Compares major and minor version. */
function compareVersions(first: string, second: string): number {
  const [a, b] = [first, second].map((version) => version.split('.', 2).map((part) => Number.parseInt(part, 10) || 0));
  return a![0]! - b![0]! || (a![1] ?? 0) - (b![1] ?? 0);
}
