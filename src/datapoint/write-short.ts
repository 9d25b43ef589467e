/**
 * Short reading + identity → the JSON of a v4 log request, as bytes. It writes what `to-datapoint.ts`, `to-config.ts` and
 * `encode.ts` make of the same span, in the order of keys that is cheapest.
 */
import type { TraceContext } from '../conventions/context.ts';
import type { JsonPieces, PlainFields, ShortReading } from '../conventions/short-way.ts';
import { type InstrumentationScope, type SpanSlice, scopeOf } from '../otel/span-slice.ts';
import { REMOTE_PARENT } from '../wire/remote-parent.ts';
import { ByteBody } from './body.ts';
import type { EncodedDatapoint } from './encode.ts';
import { toProvider } from './provider.ts';
import { Scratch } from './scratch.ts';
import { createdAt, durationOf } from './span-time.ts';
import { type DatapointSettings, nameOf } from './to-datapoint.ts';

const scratch = new Scratch();

/** Content is always captured. */
export type ShortSettings = Omit<DatapointSettings, 'captureContent'>;

/**
 * Returns undefined if a text has control characters: then its JSON is damaged, and the log is left to `toDatapoint`.
 */
export function writeShort(
  span: SpanSlice,
  reading: ShortReading,
  sessionReferenceId: string,
  settings: ShortSettings,
  context: TraceContext,
): EncodedDatapoint | undefined {
  const { messages, outputMessage, output } = reading;
  const spanName = nameOf(span);
  scratch.restart();
  let json = `${frameOf(sessionReferenceId, settings)},"config":${configOf(reading, spanName)}`;
  json += `,"inputs":${reading.inputs ?? '{}'},"created_at":"${createdAt(span)}"`;
  if (reading.kind === 'model') json += tokensOf(reading);
  json += `,"metadata":${metadataOf(span, reading, context, spanName)}`;
  if (reading.providerRequest !== undefined) json = writeAfter(`${json},"provider_request":`, reading.providerRequest);
  if (reading.providerResponse !== undefined)
    json = writeAfter(`${json},"provider_response":`, reading.providerResponse);
  if (messages !== undefined) {
    scratch.write(`${json},"messages":[${messages[0]}`);
    json = `${writeRest(messages)}]`;
  }
  let outputFrom = 0;
  let outputTo = 0;
  if (outputMessage !== undefined) {
    scratch.write(`${json},"output_message":${outputMessage[0]}`);
    outputFrom = scratch.length - 1;
    json = writeRest(outputMessage);
    // The text and the quotes around it, if the message has one.
    outputTo = outputMessage.length > 1 ? scratch.length + 1 : 0;
  }
  scratch.write(`${json}}`);
  const { length } = scratch;
  if (output !== undefined) {
    outputFrom = length;
    scratch.write(quote(output));
    outputTo = scratch.length;
  }
  if (scratch.hasControls()) return undefined;
  const body = new ByteBody(scratch.bytes, scratch.length, length, outputFrom, outputTo);
  return { body, late: { output: body.output, error: undefined, duration: durationOf(span) } };
}

/** Writes both, one by one: a join would cost a copy of the text. Returns the JSON that is not written yet. */
function writeAfter(json: string, text: string): string {
  scratch.write(json);
  scratch.write(text);
  return '';
}

/** Writes all pieces after the first, but for the last, which it returns. */
function writeRest(pieces: JsonPieces): string {
  const last = pieces.length - 1;
  for (let at = 1; at < last; at++) scratch.write(pieces[at] as string);
  return last > 0 ? (pieces[last] as string) : '';
}

/** Returns the text as JSON. Texts of attributes may have lone surrogates. */
function quote(text: string): string {
  return JSON.stringify(text.toWellFormed());
}

const MAX_REMEMBERED = 1_024;
const MAX_REMEMBERED_CHARS = 128;
const remembered = new Map<string, string>();

/** The same for names that come again and again. */
function quoteName(name: string): string {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const json = quote(name);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  if (name.length <= MAX_REMEMBERED_CHARS) remembered.set(name, json);
  return json;
}

let lastSession: string | undefined;
let lastSettings: ShortSettings | undefined;
let lastFrame = '';

/** The beginning of the object, which is the same for all logs of a trace. */
function frameOf(session: string, settings: ShortSettings): string {
  if (session === lastSession && settings === lastSettings) return lastFrame;
  const { project, environment, source } = settings;
  const named = environment === undefined ? '' : `,"environment":${quoteName(environment)}`;
  lastSession = session;
  lastSettings = settings;
  lastFrame = `{"project":${quoteName(project)},"session_reference_id":${quote(session)},"source":${quoteName(source)}${named}`;
  return lastFrame;
}

function configOf(reading: ShortReading, spanName: string): string {
  const { kind, name = spanName, description, model, toolType, provider } = reading;
  const about = description === undefined ? '' : `,"description":${quote(description)}`;
  if (kind === 'tool') {
    const other = toolType === undefined ? '' : `,"other":{"tool_type":${quoteName(toolType)}}`;
    return `{"type":"tool","name":${quoteName(name)}${about}${other}}`;
  }
  if (kind === 'model') return modelConfigOf(reading, model as string);
  const named = `"name":${quoteName(name)}${about}`;
  if (model !== undefined) {
    return `{"type":"agent",${named},"agent_class":${quoteName(name)},"model_config":${modelConfigOf(reading, model)}}`;
  }
  const own = (provider === undefined ? '' : `,"provider":${quoteName(provider)}`) + parametersOf(reading);
  const other = withEntries(own + rarerOf(reading), reading.other);
  return `{"type":"generic",${named}${other === '' ? '' : `,"other":{${other.slice(1)}}`}}`;
}

function modelConfigOf(reading: ShortReading, model: string): string {
  const { kind, provider, serverAddress, tools } = reading;
  const known = toProvider(provider, model, serverAddress);
  let json = `{"type":"model","model":${quoteName(model)}`;
  if (known !== undefined) json += `,"provider":"${known}"`;
  if (kind === 'model') json += ',"endpoint":"chat"';
  json += parametersOf(reading);
  if (tools !== undefined) json += `,"tools":${tools}`;
  const isSaid = provider === undefined || provider.toLowerCase() === known;
  const own = (isSaid ? '' : `,"provider":${quoteName(provider)}`) + rarerOf(reading);
  const other = withEntries(own, reading.other);
  return other === '' ? `${json}}` : `${json},"other":{${other.slice(1)}}}`;
}

/** Returns the JSON of the entries of an object, each after a comma. */
function entriesOf(entries: PlainFields): string {
  const json = JSON.stringify(entries);
  return json === '{}' ? '' : `,${json.slice(1, -1)}`;
}

/** Whether the JSON, which has no objects in it, has an entry of this name. */
function hasEntry(json: string, name: string): boolean {
  return json.includes(`,${quoteName(name)}:`);
}

/** Joins JSON of entries, each after a comma, with more of them, which win over those of the same name. */
function withEntries(json: string, more: PlainFields | undefined): string {
  if (more === undefined) return json;
  for (const name in more) {
    if (hasEntry(json, name)) return entriesOf({ ...(JSON.parse(`{${json.slice(1)}}`) as PlainFields), ...more });
  }
  return json + entriesOf(more);
}

/** The same, but an entry is left out if there is one of its name. */
function withFurtherEntries(json: string, more: PlainFields): string {
  let result = json;
  for (const name in more) {
    const value = more[name];
    if (value === undefined || hasEntry(json, name)) continue;
    result += `,${quoteName(name)}:${typeof value === 'string' ? quote(value) : JSON.stringify(value)}`;
  }
  return result;
}

/** Parameters that a config has under `other`. */
function rarerOf({ topK, isStreamed }: ShortReading): string {
  const json = topK === undefined ? '' : `,"top_k":${topK}`;
  return isStreamed === undefined ? json : `${json},"stream":${isStreamed}`;
}

function parametersOf(reading: ShortReading): string {
  const { maxTokens, temperature, topP, presencePenalty, frequencyPenalty, seed, stop } = reading;
  let json = '';
  if (maxTokens !== undefined) json += `,"max_tokens":${maxTokens}`;
  if (temperature !== undefined) json += `,"temperature":${temperature}`;
  if (topP !== undefined) json += `,"top_p":${topP}`;
  if (presencePenalty !== undefined) json += `,"presence_penalty":${presencePenalty}`;
  if (frequencyPenalty !== undefined) json += `,"frequency_penalty":${frequencyPenalty}`;
  if (seed !== undefined) json += `,"seed":${seed}`;
  if (stop !== undefined) json += `,"stop":${JSON.stringify(stop)}`;
  return json;
}

function tokensOf({ promptTokens, outputTokens }: ShortReading): string {
  const prompt = promptTokens === undefined ? '' : `,"prompt_tokens":${promptTokens}`;
  return outputTokens === undefined ? prompt : `${prompt},"output_tokens":${outputTokens}`;
}

function metadataOf(
  span: SpanSlice,
  reading: ShortReading,
  { user, tags, caller }: TraceContext,
  spanName: string,
): string {
  const { kind, responseId, responseModel, serverAddress, toolCallId, callerName, agentId, finishReason } = reading;
  const { secondsToFirstChunk } = reading;
  let json = `"convention":"${reading.convention}"`;
  if (responseId !== undefined) json += `,"response_id":${quote(responseId)}`;
  if (responseModel !== undefined) json += `,"response_model":${quoteName(responseModel)}`;
  if (serverAddress !== undefined) json += `,"server_address":${quoteName(serverAddress)}`;
  if (toolCallId !== undefined) json += `,"tool_call_id":${quote(toolCallId)}`;
  if (callerName !== undefined) json += `,"agent_name":${quoteName(callerName)}`;
  if (agentId !== undefined) json += `,"agent_id":${quote(agentId)}`;
  if (finishReason !== undefined) json += `,"finish_reason":${quoteName(finishReason)}`;
  if (secondsToFirstChunk !== undefined)
    json += `,"time_to_first_chunk_ms":${Math.round(secondsToFirstChunk * 1e6) / 1e3}`;
  const usage = tokensOf(reading) + detailsOf(reading);
  if (kind === 'model') json += usage;
  if (reading.metadata !== undefined) json += entriesOf(reading.metadata);
  if (user !== undefined) json += `,"user":${quote(user)}`;
  if (tags !== undefined) json += `,"tags":${JSON.stringify(tags)}`;
  if (caller !== undefined) json += `,"${REMOTE_PARENT}":"${caller}"`;
  json += `${scopeText(scopeOf(span))},"span_name":${quoteName(spanName)},"trace_id":"${span.spanContext().traceId}"`;
  // The tokens of agents and tools are sums over the calls below, which have logs of their own.
  const sums = usage === '' || kind === 'model' ? '' : `,"usage":{${usage.slice(1)}}`;
  const content = reading.contentMetadata;
  if (content === undefined) return `{${json}${sums}}`;
  // None of the app's own entries overwrites structure.
  const own = sums === '' ? content : { ...content, usage: undefined };
  return `{${withFurtherEntries(`,${json}`, own).slice(1)}${sums}}`;
}

function detailsOf({ totalTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens }: ShortReading): string {
  let json = '';
  if (totalTokens !== undefined) json += `,"total_tokens":${totalTokens}`;
  if (cacheReadTokens !== undefined) json += `,"cache_read_tokens":${cacheReadTokens}`;
  if (cacheWriteTokens !== undefined) json += `,"cache_write_tokens":${cacheWriteTokens}`;
  if (reasoningTokens !== undefined) json += `,"reasoning_tokens":${reasoningTokens}`;
  return json;
}

let lastScope: InstrumentationScope | undefined;
let lastScopeText = '';

/** Spans of one instrumentation share their scope, and mostly follow each other. */
function scopeText(scope: InstrumentationScope): string {
  if (scope === lastScope) return lastScopeText;
  const { name, version } = scope;
  lastScope = scope;
  lastScopeText = name ? `,"scope":${quote(version ? `${name}@${version}` : name)}` : '';
  return lastScopeText;
}
