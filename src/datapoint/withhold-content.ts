/** Removes all content from a reading for `captureContent: false`. Structure, tokens and timing stay. */
import type { Reading } from '../conventions/convention.ts';

/** Parameters whose text is one of a fixed set, never written by the app. */
const KEPT_TEXTS: ReadonlySet<string> = new Set([
  'reasoning_effort',
  'service_tier',
  'thinking_type',
  'tool_type',
  'output_type',
  'provider',
  'tool_choice',
  'truncation',
  'verbosity',
]);

/** A longer value is not one of a fixed set. */
const MAX_KEPT_CHARS = 32;

export function withholdContent(reading: Reading): Reading {
  const {
    inputs: _inputs,
    messages: _messages,
    output: _output,
    outputMessage: _outputMessage,
    contentMetadata: _contentMetadata,
    providerRequest: _providerRequest,
    providerResponse: _providerResponse,
    promptTemplate: _promptTemplate,
    chatTemplate: _chatTemplate,
    toolParameters: _toolParameters,
    description: _description,
    stop: _stop,
    responseFormat,
    tools,
    other,
    ...structure
  } = reading;
  const kept: Reading = structure;
  if (responseFormat !== undefined) kept.responseFormat = { type: responseFormat.type };
  if (tools !== undefined) kept.tools = tools.map(({ name }) => ({ name }));
  const parameters = other && omitTexts(other);
  if (parameters !== undefined) kept.other = parameters;
  return kept;
}

function omitTexts(other: Record<string, unknown>): Record<string, unknown> | undefined {
  let kept: Record<string, unknown> | undefined;
  for (const key of Object.keys(other)) {
    const value = other[key];
    const isKept =
      typeof value === 'number' ||
      typeof value === 'boolean' ||
      (typeof value === 'string' && value.length <= MAX_KEPT_CHARS && KEPT_TEXTS.has(key));
    if (!isKept) continue;
    kept ??= {};
    kept[key] = value;
  }
  return kept;
}
