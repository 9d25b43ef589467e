/** Model, provider and parameters of an OpenInference LLM span. */
import { isObject } from '../../../wire/json.ts';
import {
  areInCapitals,
  modelNameOf,
  parametersAt,
  readRequestParameters,
  withConfig,
  withParameterNames,
} from '../../content/request-parameters.ts';
import type { Reading } from '../../convention.ts';
import { integerOf, MAX_NAME_CHARS, nameOf, numberOf, stringListOf, stringOf } from '../../values/attributes.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const PARAMETERS = 'llm.invocation_parameters';
/** Keys below which frameworks pass a generation config on. */
const NESTED = ['config', 'generationConfig', 'generation_config', 'inferenceConfig'] as const;
const OPENED = [...NESTED, 'toolConfig'] as const;

/**
 * Returns the request without its messages, with nested generation configs flattened; undefined if there is none. The
 * OpenAI Agents bridge gives the response instead.
 */
export function readInvocationParameters(fields: SpanFields): Record<string, unknown> | undefined {
  const parameters = parametersAt(fields, PARAMETERS);
  return parameters && openConfig(parameters);
}

/** Whether the parameters are no JSON, but what a language prints of them. */
export function arePrinted(fields: SpanFields): boolean {
  return fields.attributes[PARAMETERS] !== undefined && fields.object(PARAMETERS) === undefined;
}

/** Returns the parameters with those of nested configs among them. */
export function openConfig(parameters: Record<string, unknown>): Record<string, unknown> {
  if (!hasOtherForm(parameters)) return parameters;
  const known = withConfig(withParameterNames(parameters));
  const open: Record<string, unknown> = Object.assign({}, ...NESTED.map((key) => known[key]).filter(isObject));
  for (const key in known) if (!NESTED.some((name) => name === key)) open[key] = known[key];
  return open;
}

/** Whether parameters are nested, or spelled as languages spell them. */
export function hasOtherForm(parameters: Record<string, unknown>): boolean {
  return OPENED.some((key) => isObject(parameters[key])) || areInCapitals(parameters);
}

/** Returns the model that the request asks for. */
export function modelIn(parameters: Record<string, unknown> | undefined): string | undefined {
  return (
    modelNameOf(parameters?.['model']) ??
    modelNameOf(parameters?.['model_name']) ??
    modelNameOf(parameters?.['modelId'])
  );
}

/** `app` is the metadata that the app attached: LangChain's names for model and provider are in it. */
export function readModelAndProvider(
  fields: SpanFields,
  parameters: Record<string, unknown> | undefined,
  app: Record<string, unknown> | undefined,
): Reading {
  const { attributes } = fields;
  return {
    model:
      modelNameOf(attributes['llm.request.model_name']) ??
      modelIn(parameters) ??
      modelNameOf(attributes['gen_ai.request.model']) ??
      modelNameOf(attributes['llm.model_name']) ??
      // Apps that write the attributes by hand.
      modelNameOf(attributes['llm.model.name']) ??
      modelNameOf(app?.['ls_model_name']) ??
      askedModel(parameters?.['model']) ??
      // NeMo Agent Toolkit names the span of a call after its model, and this too.
      modelNameOf(attributes['nat.subspan.name'] ?? attributes['aiq.subspan.name']),
    provider: fields.firstName('llm.provider', 'llm.system') ?? nameOf(app?.['ls_provider']),
  };
}

/** A request may ask for a model of any name. */
function askedModel(value: unknown): string | undefined {
  const name = stringOf(value);
  return name !== undefined && name.length <= MAX_NAME_CHARS ? name : undefined;
}

/** Some parameters may have attributes of their own. */
export function readParameters({ attributes }: SpanFields, parameters: Record<string, unknown> = {}): Reading {
  const reading = readRequestParameters(parameters);
  const stop = attributes['llm.chat.stop_sequences'];
  reading.stop ??= stringOf(stop) ?? stringListOf(stop);
  reading.temperature ??= numberOf(attributes['llm.temperature']);
  reading.topP ??= numberOf(attributes['llm.top_p']);
  reading.maxTokens ??= integerOf(attributes['llm.max_tokens']);
  reading.presencePenalty ??= numberOf(attributes['llm.presence_penalty']);
  reading.frequencyPenalty ??= numberOf(attributes['llm.frequency_penalty']);
  return reading;
}
