/**
 * Provider names as instrumentations write them → the v4 enum.
 *
 * The server validates the enum, so an unlisted provider is left out; its raw name stays under `config.other`.
 */
import type { ModelProvider } from '../wire/v4.ts';

/** Whole names in lower case. */
const NAMES: ReadonlyMap<string, ModelProvider> = new Map([
  ['az.ai.openai', 'openai_azure'],
  ['azure.ai.openai', 'openai_azure'],
  ['openai_azure', 'openai_azure'],
  ['aws.bedrock', 'bedrock'],
  ['aws_bedrock', 'bedrock'],
  ['azure_oai', 'openai_azure'],
  ['amazon-bedrock', 'bedrock'],
  ['amazon_bedrock', 'bedrock'],
  ['gcp.gemini', 'google'],
  ['gcp.vertex_ai', 'google'],
  ['gcp.gen_ai', 'google'],
  ['google_genai', 'google'],
  ['google_vertexai', 'google'],
]);

/** First words of a name: `openai.chat`, `azure-openai.responses`, `google.vertex.chat`. */
const FAMILIES: ReadonlyMap<string, ModelProvider> = new Map([
  ['openai', 'openai'],
  // LangChain4j's names.
  ['open_ai', 'openai'],
  ['azure_open_ai', 'openai_azure'],
  ['google_ai_gemini', 'google'],
  ['google_vertex_ai_gemini', 'google'],
  ['google_vertex_ai_anthropic', 'google'],
  ['azure', 'openai_azure'],
  ['azure_openai', 'openai_azure'],
  ['anthropic', 'anthropic'],
  ['bedrock', 'bedrock'],
  ['bedrock_converse', 'bedrock'],
  ['aws', 'bedrock'],
  ['amazon', 'bedrock'],
  ['cohere', 'cohere'],
  ['replicate', 'replicate'],
  ['gemini', 'google'],
  ['vertex', 'google'],
  ['vertex_ai', 'google'],
  ['vertexai', 'google'],
  ['google', 'google'],
  ['googleai', 'google'],
  ['groq', 'groq'],
  ['ai21', 'ai21'],
]);

/** Frameworks, whose name does not say who ran the model. */
const FRAMEWORKS: ReadonlySet<string> = new Set([
  'langchain',
  'strands-agents',
  'gcp.vertex.agent',
  'crewai',
  'autogen',
  'microsoft.agent_framework',
  'llamaindex',
  'llama_index',
  'haystack',
  'pydantic_ai',
  'litellm',
  'mastra',
  'genkit',
  'spring_ai',
  'semantic_kernel',
  'langchain4j',
  'eino',
  '_other',
  'unknown',
  'other',
]);

const MODEL_PREFIXES: readonly (readonly [string, ModelProvider])[] = [
  ['gpt-', 'openai'],
  ['chatgpt', 'openai'],
  ['o1', 'openai'],
  ['o3', 'openai'],
  ['o4', 'openai'],
  ['text-embedding-', 'openai'],
  ['claude', 'anthropic'],
  ['gemini', 'google'],
  ['command', 'cohere'],
];

/** Returns the v4 provider, or undefined if v4 does not list it. `host` is the address of the called server. */
export function toProvider(raw: string | undefined, model?: string, host?: string): ModelProvider | undefined {
  if (host?.toLowerCase().endsWith('.openai.azure.com')) return 'openai_azure';
  const name = raw?.toLowerCase();
  if (name === undefined) return undefined;
  if (FRAMEWORKS.has(name)) return fromModel(model);
  // Azure's inference API serves models of many providers.
  if (name.endsWith('.ai.inference')) return undefined;
  const own = ofPlugin(name);
  return NAMES.get(own) ?? FAMILIES.get(own) ?? FAMILIES.get(own.split(/[.\-/]/, 1)[0]!);
}

/** Dify names a provider by who made its plugin, the plugin and the provider: `langgenius/openai/openai`. */
function ofPlugin(name: string): string {
  return /^[^/]+\/[^/]+\/([^/]+)$/.exec(name)?.[1] ?? name;
}

function fromModel(model: string | undefined): ModelProvider | undefined {
  const name = model?.toLowerCase();
  if (name === undefined) return undefined;
  return MODEL_PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1];
}
