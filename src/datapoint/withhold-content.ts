/** Removes all content from a reading for `captureContent: false`. Structure, tokens and timing stay. */

import { OWN_ERROR_TYPES } from '../conventions/content/read-error.ts';
import type { LogKind, ReadError, Reading } from '../conventions/convention.ts';
import { isObject } from '../wire/json.ts';
import { isDeclaredName } from './declared-names.ts';
import { isModel, isToken, isWord } from './structure-texts.ts';

type IsStructure = (text: string) => boolean;
type Fields = Record<string, unknown>;

/** Parameters whose text is one of a fixed set, never written by the app. */
const KEPT_TEXTS: ReadonlyMap<string, IsStructure> = new Map([
  ['reasoning_effort', isWord],
  ['service_tier', isWord],
  ['thinking_type', isWord],
  ['tool_type', isToken],
  ['output_type', isWord],
  ['provider', isToken],
  ['tool_choice', isWord],
  ['truncation', isWord],
  ['verbosity', isWord],
]);

/** Where metadata has names, which may have spaces. */
const NAME_KEY = /(?:^|_)(?:name|path|workflow|project)$/;
const TOOL_KEY = /(?:^|_)tool_name$/;
const MAX_DEPTH = 8;

export function withholdContent(reading: Reading, kind?: LogKind): Reading {
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
    name,
    model,
    provider,
    finishReason,
    error,
    metadata,
    ...structure
  } = reading;
  const kept: Reading = structure;
  if (responseFormat !== undefined) kept.responseFormat = { type: responseFormat.type };
  if (tools !== undefined)
    kept.tools = tools.filter((tool) => isDeclaredName(tool.name, true)).map((tool) => ({ name: tool.name }));
  const parameters = other && omitTexts(other);
  if (parameters !== undefined) kept.other = parameters;
  if (name !== undefined && isDeclaredName(name, kind === 'tool')) kept.name = name;
  if (model !== undefined && isModel(model)) kept.model = model;
  if (provider !== undefined && isToken(provider)) kept.provider = provider;
  if (finishReason !== undefined && isReason(finishReason)) kept.finishReason = finishReason;
  if (error !== undefined) kept.error = typeOf(error);
  if (metadata !== undefined) kept.metadata = structureIn(metadata, 0) as Fields;
  return kept;
}

/** A word, or the number of one. */
function isReason(reason: string): boolean {
  return isWord(reason) || /^\d{1,3}$/.test(reason);
}

function typeOf({ type, httpStatus }: ReadError): ReadError {
  const isType = type !== undefined && (isToken(type) || OWN_ERROR_TYPES.has(type));
  return { ...(isType && { type }), ...(httpStatus !== undefined && { httpStatus }) };
}

function omitTexts(other: Fields): Fields | undefined {
  let kept: Fields | undefined;
  for (const key of Object.keys(other)) {
    const value = other[key];
    const isKept = typeof value === 'string' ? KEPT_TEXTS.get(key)?.(value) : isScalar(value);
    if (!isKept) continue;
    kept ??= {};
    kept[key] = value;
  }
  return kept;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

/** Returns what of a value in the metadata is structure; undefined if nothing is. `key` is that of the value. */
function structureIn(value: unknown, depth: number, key = ''): unknown {
  if (typeof value === 'string')
    return isToken(value) || (NAME_KEY.test(key) && isDeclaredName(value, TOOL_KEY.test(key))) ? value : undefined;
  if (isScalar(value) || value === null) return value;
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((item) => structureIn(item, depth + 1, key)).filter(isSaid);
  if (!isObject(value)) return undefined;
  const kept: Fields = {};
  for (const [name, inner] of Object.entries(value)) {
    const said = isToken(name) ? structureIn(inner, depth + 1, name) : undefined;
    if (said !== undefined && name !== '__proto__') kept[name] = said;
  }
  return kept;
}

function isSaid(value: unknown): boolean {
  return value !== undefined;
}
