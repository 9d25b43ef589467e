/** What a tool of the GenAI conventions was given and what it answered, from attributes or else from events. */
import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { toAddress } from '../../content/content-refs.ts';
import { inputsAt, inputsOf } from '../../content/inputs.ts';
import { holdsMessages } from '../../content/messages/message-wrappers.ts';
import { MessageReader } from '../../content/messages/messages.ts';
import { isSchema } from '../../content/model-tools.ts';
import { structuredAt, structuredOf } from '../../content/provider-bodies.ts';
import type { Reading } from '../../convention.ts';
import { objectOf, stringOf, unlessEmpty } from '../../values/attributes.ts';
import { toOptionalText, toPlainJson } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { readEventContent } from './events.ts';

const INPUTS = [
  'gen_ai.tool.call.arguments',
  'gen_ai.tool.input',
  'gen_ai.tool.args',
  'gen_ai.tool.arguments',
  'gen_ai.tool.call.input',
  'gen_ai.tool.call.args',
  'gen_ai.tool.call.parameters',
  'gen_ai.tool.request',
  'gen_ai.input',
  'gen_ai.prompt',
  // Of apps that write the span of a tool by hand.
  ...['tool.arguments', 'tool.input', 'gen_ai.tool.parameters', 'tool.parameters', 'input'],
] as const;
/** Here a tool may have the schema of what it takes. */
const PARAMETERS: readonly string[] = ['gen_ai.tool.parameters', 'tool.parameters'];
const RESULTS = [
  'gen_ai.tool.call.result',
  'gen_ai.tool.output',
  'code.function.return.value',
  'gen_ai.tool.result',
  'gen_ai.tool.call.output',
  'gen_ai.tool.response',
  'gen_ai.tool.call.response',
  'gen_ai.output',
  'gen_ai.completion',
  ...['tool.result', 'tool.output', 'output'],
  // Microsoft's Agent 365.
  'gen_ai.event.content',
] as const;

export function readToolCall(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const result = fields.firstKey(...RESULTS);
  const said = span.events.length > 0 ? readEventContent(span) : {};
  const answer = answerIn(said.input);
  const given = inputsAt(
    fields,
    INPUTS.find((key) => isGiven(fields, key)),
  );
  const only = given && onlyObjectAt(given, 'arguments');
  const inner = only && isWrapped(fields, result) ? only : undefined;
  return {
    inputs:
      inner ??
      argumentsOf(given, fields) ??
      given ??
      readFunctionParameters(attributes) ??
      argumentsIn(structuredAt(fields, 'gen_ai.input.messages')) ??
      (answer === undefined ? argumentsIn(said.input) : undefined),
    output:
      toOptionalText(result && (inner ? fields.object(result)?.['result'] : unlessNothing(attributes[result]))) ??
      resultIn(structuredAt(fields, 'gen_ai.output.messages')) ??
      resultIn(said.output) ??
      answer,
    contentMetadata: { skill_source_uri: toAddress(attributes['gen_ai.skill.source.uri']) },
  };
}

function isGiven(fields: SpanFields, key: string): boolean {
  const value = fields.attributes[key];
  return value !== undefined && value !== null && !(PARAMETERS.includes(key) && isSchema(fields.structure(key)));
}

/** The message of a tool is what it answered, unless it is an object: some frameworks have the arguments there. */
function answerIn(input: unknown): string | undefined {
  const [only, ...others] = Array.isArray(input) ? input : [];
  if (!isObject(only) || only['role'] !== 'tool' || others.length > 0 || objectOf(only['content'])) return undefined;
  return stringOf(only['content']);
}

/** Microsoft's Agent 365 has texts in objects: `{ "arguments": "{…}" }`, `{ "result": "…" }`. */
function onlyObjectAt(value: Record<string, unknown>, key: string): Record<string, unknown> | undefined {
  return Object.keys(value).length === 1 && typeof value[key] === 'string' ? objectOf(value[key]) : undefined;
}

/** Goose has the name of the tool beside its arguments: `{ "tool": "shell", "arguments": { … } }`. */
function argumentsOf(given: Reading['inputs'], fields: SpanFields): Reading['inputs'] {
  const { tool, name = tool, arguments: args, ...others } = given ?? {};
  const isCall = name !== undefined && name === fields.attributes['gen_ai.tool.name'];
  return isCall && isObject(args) && Object.keys(others).length === 0 ? args : undefined;
}

/** A tool may take arguments of that name: what it returned is in an object then, too. */
function isWrapped(fields: SpanFields, result: string | undefined): boolean {
  const keys = result === undefined ? ['result'] : Object.keys(fields.object(result) ?? {});
  return keys.length === 1 && keys[0] === 'result';
}

/** OpenLIT writes `[object ToolMessage]`, which says nothing. */
function unlessNothing(value: unknown): unknown {
  return typeof value === 'string' && /^\[object \w+\]$/.test(value) ? undefined : value;
}

/** Returns the arguments themselves, or those of the call or the text in a message. */
function argumentsIn(input: unknown): Reading['inputs'] {
  if (!isMessages(input)) return inputsOf(input);
  const messages = new MessageReader().read(input);
  const [call] = messages.flatMap(({ tool_calls: calls }) => calls ?? []);
  return inputsOf(call ? call.function.arguments : textOf(messages));
}

function resultIn(output: unknown): string | undefined {
  return isMessages(output) ? textOf(new MessageReader().readOutput(output)) : toOptionalText(output);
}

function textOf(messages: readonly ChatMessage[]): string | undefined {
  return messageText(messages.find(({ content }) => content !== undefined));
}

function isMessages(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.every(isObject) && holdsMessages(value);
}

/** Google's and Azure's packages for Python write the parameters of the function that is the tool. */
const PARAMETER = /^code\.function\.(?:parameter\.([^.]+)|parameters\.([^.]+)\.value)$/;

function readFunctionParameters(attributes: Attributes): Record<string, unknown> | undefined {
  const found: Record<string, unknown> = {};
  for (const key in attributes) {
    const [, azure, google = azure] = PARAMETER.exec(key) ?? [];
    if (google !== undefined && google !== '__proto__') found[google] = toPlainJson(structuredOf(attributes[key]));
  }
  return unlessEmpty(found);
}
