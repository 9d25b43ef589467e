/** The vocabularies of this package. A new one is a line here, its own file, and its recordings. */
import type { Convention } from './convention.ts';
import { anthropicSdk } from './vocabularies/anthropic-sdk.ts';
import { braintrust } from './vocabularies/braintrust.ts';
import { claudeCode } from './vocabularies/claude-code.ts';
import { cloudflareAgents } from './vocabularies/cloudflare-agents.ts';
import { codex } from './vocabularies/codex.ts';
import { copilot } from './vocabularies/copilot.ts';
import { effectAi } from './vocabularies/effect-ai.ts';
import { genAiAdditions } from './vocabularies/gen-ai/additions.ts';
import { genAi } from './vocabularies/gen-ai/gen-ai.ts';
import { genkit } from './vocabularies/genkit.ts';
import { googleAdk } from './vocabularies/google-adk.ts';
import { haystack } from './vocabularies/haystack.ts';
import { humanloop } from './vocabularies/humanloop.ts';
import { langfuseAdditions } from './vocabularies/langfuse/additions.ts';
import { langfuse } from './vocabularies/langfuse/langfuse.ts';
import { langsmith } from './vocabularies/langsmith.ts';
import { langtrace } from './vocabularies/langtrace.ts';
import { liteLlm } from './vocabularies/litellm.ts';
import { liveKit } from './vocabularies/livekit.ts';
import { logfire } from './vocabularies/logfire.ts';
import { mastra } from './vocabularies/mastra.ts';
import { mcp } from './vocabularies/mcp.ts';
import { mlflow } from './vocabularies/mlflow.ts';
import { neatlogs } from './vocabularies/neatlogs.ts';
import { openAiPhp } from './vocabularies/openai-php.ts';
import { openInference } from './vocabularies/openinference/openinference.ts';
import { traceAi } from './vocabularies/openinference/traceai.ts';
import { openInferenceWithoutKind } from './vocabularies/openinference/without-kind.ts';
import { openLit } from './vocabularies/openlit.ts';
import { openLlmetry } from './vocabularies/openllmetry/openllmetry.ts';
import { opik } from './vocabularies/opik.ts';
import { platforms } from './vocabularies/platforms.ts';
import { pydanticAi } from './vocabularies/pydantic-ai.ts';
import { quarkus } from './vocabularies/quarkus.ts';
import { qwenCode } from './vocabularies/qwen-code.ts';
import { sentry } from './vocabularies/sentry.ts';
import { springAi } from './vocabularies/spring-ai.ts';
import { strands } from './vocabularies/strands.ts';
import { toolSpans } from './vocabularies/tool-spans.ts';
import { agentUniverse } from './vocabularies/typed-spans/agent-universe.ts';
import { agenta } from './vocabularies/typed-spans/agenta.ts';
import { confidentAi } from './vocabularies/typed-spans/confident-ai.ts';
import { eino } from './vocabularies/typed-spans/eino.ts';
import { honeyHive } from './vocabularies/typed-spans/honeyhive.ts';
import { judgment } from './vocabularies/typed-spans/judgment.ts';
import { monocle } from './vocabularies/typed-spans/monocle.ts';
import { promptFlow } from './vocabularies/typed-spans/prompt-flow.ts';
import { trueFoundry } from './vocabularies/typed-spans/truefoundry.ts';
import { vectorStores } from './vocabularies/vector-stores.ts';
import { vercelAi } from './vocabularies/vercel-ai/vercel-ai.ts';
import { voiceLive } from './vocabularies/voice-live.ts';

/** Most specific vocabulary first: the first that recognises a span decides its kind. */
export const CONVENTIONS: readonly Convention[] = [
  humanloop,
  langfuse,
  // Before OpenInference, whose attributes Mastra's exporter for Arize puts in the place of its own.
  mastra,
  // Its SDK writes attributes of OpenInference, too, with every value as JSON.
  neatlogs,
  // Before OpenInference, of which it has the kinds and values.
  traceAi,
  openInference,
  vercelAi,
  genkit,
  googleAdk,
  langsmith,
  strands,
  mcp,
  sentry,
  openLit,
  // Before Anthropic's SDK, whose span names it has.
  langtrace,
  anthropicSdk,
  claudeCode,
  qwenCode,
  codex,
  cloudflareAgents,
  mlflow,
  trueFoundry,
  promptFlow,
  haystack,
  pydanticAi,
  logfire,
  springAi,
  quarkus,
  effectAi,
  liveKit,
  voiceLive,
  openAiPhp,
  // Before OpenLLMetry, some of whose attribute names it writes.
  liteLlm,
  monocle,
  judgment,
  agenta,
  agentUniverse,
  eino,
  // Packages of OpenLLMetry, too.
  vectorStores,
  openLlmetry,
  braintrust,
  genAi,
  // Apps set the attributes of these on spans of others, too.
  honeyHive,
  confidentAi,
  openInferenceWithoutKind,
  // Of spans that no instrumentation has written.
  toolSpans,
  platforms,
  genAiAdditions,
  copilot,
  langfuseAdditions,
  opik,
];
