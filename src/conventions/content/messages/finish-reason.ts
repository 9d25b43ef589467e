/** Why a model stopped: `stop`, `length`, `tool_calls` or `content_filter`, else the source's own word. */
import { scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { integerOf, jsonOf, nameOf, objectOf } from '../../values/attributes.ts';
import { memberOf } from '../../values/printed/enum-member.ts';
import { parsePythonJson } from '../../values/printed/python-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

/** By their words in lower case, without separators. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['endturn', 'stop'],
  ['end', 'stop'],
  ['eos', 'stop'],
  ['eostoken', 'stop'],
  ['endoftext', 'stop'],
  ['stop', 'stop'],
  ['stopped', 'stop'],
  ['stopsequence', 'stop'],
  ['stopword', 'stop'],
  ['endofturn', 'stop'],
  ['completed', 'stop'],
  ['done', 'stop'],
  // Cohere and Titan.
  ['complete', 'stop'],
  ['finish', 'stop'],
  ['length', 'length'],
  ['maxlength', 'length'],
  ['lengthcapped', 'length'],
  ['maxtokens', 'length'],
  ['maxoutputtokens', 'length'],
  ['maxoutputtokensreached', 'length'],
  ['maxtokensreached', 'length'],
  ['maxnewtokens', 'length'],
  ['modellength', 'length'],
  ['modelcontextwindowexceeded', 'length'],
  ['tokenlimit', 'length'],
  ['contextlength', 'length'],
  ['contextlengthexceeded', 'length'],
  ['contextwindowexceeded', 'length'],
  // Azure's .NET library.
  ['tokenlimitreached', 'length'],
  ['tooluse', 'tool_calls'],
  ['toolcall', 'tool_calls'],
  ['toolcalls', 'tool_calls'],
  ['toolexecution', 'tool_calls'],
  ['functioncall', 'tool_calls'],
  ['functioncalls', 'tool_calls'],
  ['toolcallsrequested', 'tool_calls'],
  ['contentfilter', 'content_filter'],
  ['contentfiltered', 'content_filter'],
  ['guardrailintervened', 'content_filter'],
  ['guardrailsintervened', 'content_filter'],
  // Cohere and Zhipu.
  ['errortoxic', 'content_filter'],
  ['errorlimit', 'length'],
  ['sensitive', 'content_filter'],
  ['safety', 'content_filter'],
  ['refusal', 'content_filter'],
  ['blocked', 'content_filter'],
  // Gemini.
  ['blocklist', 'content_filter'],
  ['prohibitedcontent', 'content_filter'],
  ['recitation', 'content_filter'],
  ['spii', 'content_filter'],
  ['language', 'content_filter'],
  ['modelarmor', 'content_filter'],
  ['imagesafety', 'content_filter'],
  ['imageprohibitedcontent', 'content_filter'],
  ['imagerecitation', 'content_filter'],
  // No reasons of a model, but their case varies too.
  ['error', 'error'],
  ['other', 'other'],
  ['unknown', 'unknown'],
]);

/** The first constant of an enumeration of Protocol Buffers says nothing. */
const UNSPECIFIED = /(?:^|_)unspecified$/i;

const UNQUOTED_LIST = /^\[\s*((?:Some\(|Optional\[)?:?[\w.-]+[)\]]?)\s*(?:,[^\]]*)?\]$/;
/** What Rust, Java and Haskell print around a word that there might not be. */
const OPTIONAL = /^(?:Some\(|Optional\[|Just )"?([\w.:-]+)"?[)\]]?$/;

/** Takes a word, a list, the JSON text of a list, or words joined with commas. The first word counts. */
export function toFinishReason(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof first !== 'string') return reasonOf(first);
  const known = remembered.get(first);
  if (known !== undefined) return known;
  const reason = reasonOf(first);
  if (reason === undefined || first.length > MAX_REMEMBERED_CHARS) return reason;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(first, reason);
  return reason;
}

/** Whether this is the number of a reason in some enumeration. */
export function isNumberedReason(reason: string): boolean {
  return /^\d+$/.test(reason);
}

/**
 * Google's reasons as Protocol Buffers number them, from 1 on. Those after the last one have other numbers in Vertex AI than in
 * the Gemini API.
 */
const GOOGLES: readonly string[] = [
  ...['stop', 'length', 'content_filter', 'content_filter', 'other'],
  ...['content_filter', 'content_filter', 'content_filter'],
];

/** Takes a word like `toFinishReason`, or the number of one of Google's reasons. */
export function toGooglesFinishReason(value: unknown): string | undefined {
  const reason = toFinishReason(value);
  if (reason !== undefined && !isNumberedReason(reason)) return reason;
  const list = typeof value === 'string' && value.startsWith('[') ? jsonOf(value) : value;
  const number = integerOf(Array.isArray(list) ? list[0] : list);
  // The first constant, 0, is the unspecified one.
  return number === 0 ? undefined : number === undefined ? reason : (GOOGLES[number - 1] ?? reason);
}

/** Reads the first reason at these keys of a span. Numbers say something only of calls of Google's models. */
export function finishReasonAt(fields: SpanFields, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const reason = finishReasonIn(fields, fields.attributes[key]);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The same of a value of the span. */
export function finishReasonIn(fields: SpanFields, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const reason = toFinishReason(value);
  const isWord = reason !== undefined && !isNumberedReason(reason);
  return isWord || !isGoogles(fields) ? reason : toGooglesFinishReason(value);
}

const GOOGLE = /google|gemini|vertex/i;

function isGoogles({ span, attributes }: SpanFields): boolean {
  const provider = nameOf(attributes['gen_ai.provider.name'] ?? attributes['gen_ai.system']);
  return provider === undefined
    ? GOOGLE.test(scopeOf(span).name)
    : GOOGLE.test(provider) || provider.startsWith('gcp.');
}

const MAX_REMEMBERED = 256;
const MAX_REMEMBERED_CHARS = 64;
const remembered = new Map<string, string>();

function reasonOf(value: unknown): string | undefined {
  const raw = firstWord(value);
  if (raw === undefined || UNSPECIFIED.test(raw)) return undefined;
  return WORDS.get(raw) ?? wordOf(raw) ?? raw;
}

/** Looks the word up without its case, its separators and what qualifies it: `FinishReason.MAX_TOKENS`, `MaxTokens`. */
function wordOf(raw: string): string | undefined {
  const name = (memberOf(raw) ?? raw.slice(raw.search(/[^.:/]*$/))).toLowerCase();
  const joined = name.replace(/[^a-z]/g, '');
  return WORDS.get(joined) ?? WORDS.get(joined.replace(/^(chat)?(finish|stop)reason(?=.)/, ''));
}

/** The AI SDK has its own word beside that of the provider. */
function wordIn({ type, unified = type }: Record<string, unknown>): string | undefined {
  return nameOf(unified);
}

function withoutOptional(text: string): string {
  return OPTIONAL.exec(text)?.[1] ?? text;
}

function firstWord(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstWord(value[0]);
  // SGLang says beside it by which token the model stopped.
  if (isObject(value)) return wordIn(value);
  const name = nameOf(value)?.trim();
  const text = name && withoutOptional(name);
  if (!text) return undefined;
  if (text.startsWith('[') || text.startsWith('(')) {
    const list = text.startsWith('[') ? jsonOf(text) : parsePythonJson(text);
    // Java writes the words of a list without quotes.
    return Array.isArray(list) ? firstWord(list[0]) : firstWord(UNQUOTED_LIST.exec(text)?.[1]);
  }
  if (text.startsWith('{')) return wordIn(objectOf(text) ?? {});
  // LangSmith joins several reasons with commas.
  return text.includes(',') ? nameOf(text.split(',', 1)[0]?.trim()) : text;
}
