/** MLflow: every span has `mlflow.spanInputs` and `mlflow.spanOutputs`. All values are JSON, so texts are in quotes. */

import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { textOfDocuments } from '../content/documents.ts';
import { inputsOf } from '../content/inputs.ts';
import { withKnownNames } from '../content/messages/body-spellings.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { modelToolsAt } from '../content/model-tools.ts';
import {
  jsonValueAt,
  rawAnswerOf,
  readAnswer,
  readRequest,
  structureTextAt,
  toolOutputAt,
  toStepOutput,
} from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { parametersAt, withConfig } from '../content/request-parameters.ts';
import {
  IN_BODY,
  ownUsage,
  type Usage,
  UsageTable,
  usageDetails,
  usageOfBody,
  usageSums,
  withUsageOfBody,
} from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, objectOf, omitUndefined, stringOf, tokenOf } from '../values/attributes.ts';
import { toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectAt } from '../values/usage-object.ts';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['CHAT_MODEL', 'model'],
  ['LLM', 'model'],
  ['TOOL', 'tool'],
  ['AGENT', 'agent'],
]);

const INPUT = 'mlflow.spanInputs';
const OUTPUT = 'mlflow.spanOutputs';

export const mlflow: Convention = {
  name: 'mlflow',
  title: 'MLflow',
  context: { session: ['mlflow.trace.session'], user: ['mlflow.trace.user'] },
  signs: { keys: ['mlflow.spanType'] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const type = attributes['mlflow.spanType'];
    return typeof type === 'string' ? (KINDS.get(withoutQuotes(type)) ?? 'generic') : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const usage = readUsage(fields);
    const isCall = kind === 'model' || isEmbedding(fields);
    const reading = kind === 'model' ? readModelCall(fields, usage.outputTokens) : readStep(fields);
    if (isCall) addTo(reading, ownUsage(usage));
    reading.provider = textAt(fields, 'mlflow.llm.provider');
    reading.error = readError(span, { finishReason: reading.finishReason });
    reading.metadata = {
      message_format: tokenOf(textAt(fields, 'mlflow.message.format')),
      ...(isCall ? usageDetails(usage) : usageSums(usage)),
    };
    const whole = withUsageOfBody(reading);
    return isEmbedding(fields) && whole.promptTokens === undefined ? withUsage(whole, fields) : whole;
  },
};

/** An embedding has its tokens in the body of the answer only. */
function withUsage(reading: Reading, fields: SpanFields): Reading {
  const usage = usageOfBody(jsonValueAt(fields, OUTPUT));
  if (usage) reading.metadata = addTo<Record<string, unknown>>(usageDetails(usage), reading.metadata);
  return usage ? addTo(reading, ownUsage(usage)) : reading;
}

function isEmbedding(fields: SpanFields): boolean {
  return textAt(fields, 'mlflow.spanType') === 'EMBEDDING';
}

function readModelCall(fields: SpanFields, outputTokens: number | undefined): Reading {
  const input = jsonValueAt(fields, INPUT);
  // What DSPy's models said may be JSON of their own.
  const output = isDspys(fields) ? choicesOf(fields.json(OUTPUT)) : jsonValueAt(fields, OUTPUT);
  const recorded = isObject(input) ? withKnownNames(input) : {};
  const request = withConfig(recorded);
  const reader = new MessageReader();
  const messages = input === undefined ? [] : reader.read(input);
  const answer = readAnswer(output, reader, outputTokens, structureTextAt(fields, OUTPUT));
  const { model, ...invocation } = readInvocation(fields, output);
  return addTo(addTo(invocation, readRequest(request)), {
    model: textAt(fields, 'mlflow.llm.model') ?? nameOf(request['model']) ?? model ?? textAt(fields, 'model'),
    endpoint: stringOf(request['prompt']) === undefined ? 'chat' : 'complete',
    tools: modelToolsAt(fields, 'mlflow.chat.tools'),
    messages: messages.length > 0 ? messages : undefined,
    ...answer,
    contentMetadata: addTo(metadataOfMessages(reader), answer.contentMetadata),
    providerRequest: stringOf(request['model']) === undefined ? undefined : toPlainObject(recorded),
    providerResponse: toPlainObject(rawAnswerOf(withKnownNames(output), answer)),
  });
}

function isDspys(fields: SpanFields): boolean {
  return textAt(fields, 'mlflow.message.format') === 'dspy';
}

/** DSPy's models return a list of answers, each a text, or an object with that, its reasoning and its calls. */
function choicesOf(output: unknown): unknown {
  if (!Array.isArray(output)) return output;
  const answers: Record<string, unknown>[] = output.map((answer) => (isObject(answer) ? answer : { text: answer }));
  if (!answers.every(({ text, tool_calls }) => typeof text === 'string' || Array.isArray(tool_calls))) return output;
  return {
    choices: answers.map(({ text, tool_calls, reasoning_content }) => {
      const content = typeof text === 'string' ? [{ type: 'text', text }] : undefined;
      return { message: omitUndefined({ role: 'assistant', content, tool_calls, reasoning_content }) };
    }),
  };
}

/** LangChain's parameters have an attribute of their own, and its answer names the model. */
function readInvocation(fields: SpanFields, output: unknown): Reading {
  const parameters = parametersAt(fields, 'invocation_params') ?? {};
  const answer = isObject(output) && Array.isArray(output['generations']) ? objectOf(output['llm_output']) : undefined;
  const { other: _other, ...reading } = readRequest(parameters);
  const model = nameOf(parameters['model']) ?? nameOf(parameters['model_name']) ?? nameOf(answer?.['model_name']);
  return { ...reading, ...(model !== undefined && { model }) };
}

function readStep(fields: SpanFields): Reading {
  const input = jsonValueAt(fields, INPUT);
  return {
    name: fields.span.name,
    model: textAt(fields, 'mlflow.llm.model') ?? (isObject(input) ? nameOf(input['model']) : undefined),
    inputs: inputsOf(input),
    output: readStepOutput(fields, textAt(fields, 'mlflow.spanType')),
  };
}

function readStepOutput(fields: SpanFields, type: string | undefined): string | undefined {
  switch (type) {
    case 'EMBEDDING':
      return undefined;
    case 'RETRIEVER':
      return textOfDocuments(jsonValueAt(fields, OUTPUT));
    case 'TOOL':
      return toolOutputAt(fields, OUTPUT);
    default:
      return toStepOutput(jsonValueAt(fields, OUTPUT));
  }
}

const TOKENS = new UsageTable(
  {
    promptTokens: ['input_tokens'],
    outputTokens: ['output_tokens'],
    total_tokens: ['total_tokens'],
    cache_read_tokens: ['cache_read_input_tokens'],
    cache_write_tokens: ['cache_creation_input_tokens'],
  },
  IN_BODY,
);
const COSTS = new UsageTable({
  promptCost: ['input_cost', 'inputCost'],
  outputCost: ['output_cost', 'outputCost'],
  total_cost: ['total_cost', 'totalCost'],
});

function readUsage(fields: SpanFields): Usage {
  return addTo(
    TOKENS.read(usageObjectAt(fields, 'mlflow.chat.tokenUsage')),
    COSTS.read(usageObjectAt(fields, 'mlflow.llm.cost')),
  );
}

function textAt(fields: SpanFields, key: string): string | undefined {
  const text = fields.string(key);
  return text === undefined ? undefined : stringOf(withoutQuotes(text));
}

function withoutQuotes(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
