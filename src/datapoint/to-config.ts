/**
 * Reading → one of the four v4 configs. Model, agent and generic configs forbid unknown keys, so these go to `other`.
 */
import type { LogKind, Reading } from '../conventions/convention.ts';
import type {
  AgentConfig,
  GenericConfig,
  LogConfig,
  ModelConfig,
  ModelProvider,
  ModelTool,
  ToolConfig,
} from '../wire/v4.ts';
import { toProvider } from './provider.ts';

/** Failed calls and LangChain's callbacks lack the model name, which v4 requires. */
const UNKNOWN_MODEL = 'unknown';

type Other = Record<string, unknown>;

export function toConfig(kind: LogKind, reading: Reading, spanName: string): LogConfig {
  switch (kind) {
    case 'model':
      return toModelConfig(reading);
    case 'tool':
      return toToolConfig(reading, spanName);
    case 'agent':
      return reading.model === undefined ? toGenericConfig(reading, spanName) : toAgentConfig(reading, spanName);
    default:
      return toGenericConfig(reading, spanName);
  }
}

/** Returns the v4 provider of the model that the reading names; undefined if v4 does not list it. */
export function providerOf(reading: Reading): ModelProvider | undefined {
  return toProvider(reading.provider, reading.model, hostOf(reading));
}

function toModelConfig(reading: Reading): ModelConfig & { type: 'model' } {
  const config: ModelConfig & { type: 'model' } = { type: 'model', model: reading.model ?? UNKNOWN_MODEL };
  const provider = providerOf(reading);
  if (provider !== undefined) config.provider = provider;
  if (reading.endpoint !== undefined) config.endpoint = reading.endpoint;
  setParameters(config, reading);
  if (reading.responseFormat !== undefined) config.response_format = reading.responseFormat;
  if (reading.promptTemplate !== undefined) config.prompt_template = reading.promptTemplate;
  if (reading.chatTemplate !== undefined) config.chat_template = reading.chatTemplate;
  if (reading.tools !== undefined) config.tools = reading.tools;
  const other = otherOf(reading, provider);
  if (other !== undefined) config.other = other;
  return config;
}

function toAgentConfig(reading: Reading, spanName: string): AgentConfig {
  const { tools, ...model } = toModelConfig(reading);
  const name = reading.name ?? spanName;
  const config: AgentConfig = { type: 'agent', name, agent_class: name, model_config: model };
  if (reading.description !== undefined) config.description = reading.description;
  if (reading.tools !== undefined) config.tools = reading.tools.map(asToolConfig);
  return config;
}

function toToolConfig(reading: Reading, spanName: string): ToolConfig {
  const config: ToolConfig = { type: 'tool', name: reading.name ?? spanName };
  if (reading.description !== undefined) config.description = reading.description;
  if (reading.toolParameters !== undefined) config.parameters = reading.toolParameters;
  if (reading.other !== undefined) config.other = reading.other;
  return config;
}

/** For embeddings, chains, and agents without a model. What they say about a model goes to `other`. */
function toGenericConfig(reading: Reading, spanName: string): GenericConfig {
  const config: GenericConfig = { type: 'generic', name: reading.name ?? spanName };
  if (reading.description !== undefined) config.description = reading.description;
  const other: Other = {};
  if (reading.model !== undefined) other['model'] = reading.model;
  if (reading.provider !== undefined) other['provider'] = reading.provider;
  setParameters(other, reading);
  if (reading.responseFormat !== undefined) other['response_format'] = reading.responseFormat;
  if (reading.tools !== undefined) other['tools'] = reading.tools;
  for (const key in reading.other) other[key] = reading.other[key];
  for (const _key in other) {
    config.other = other;
    break;
  }
  return config;
}

function setParameters(config: Partial<ModelConfig>, reading: Reading): void {
  if (reading.maxTokens !== undefined) config.max_tokens = reading.maxTokens;
  if (reading.temperature !== undefined) config.temperature = reading.temperature;
  if (reading.topP !== undefined) config.top_p = reading.topP;
  if (reading.presencePenalty !== undefined) config.presence_penalty = reading.presencePenalty;
  if (reading.frequencyPenalty !== undefined) config.frequency_penalty = reading.frequencyPenalty;
  if (reading.seed !== undefined) config.seed = reading.seed;
  if (reading.stop !== undefined) config.stop = reading.stop;
}

/** Keeps the raw provider name if it says more than the v4 enum. */
function otherOf(reading: Reading, provider: string | undefined): Other | undefined {
  if (reading.provider === undefined || reading.provider.toLowerCase() === provider) return reading.other;
  return { provider: reading.provider, ...reading.other };
}

function hostOf(reading: Reading): string | undefined {
  const host = reading.metadata?.['server_address'];
  return typeof host === 'string' ? host : undefined;
}

function asToolConfig(tool: ModelTool): ToolConfig {
  return { type: 'tool', ...tool };
}
