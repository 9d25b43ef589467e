/** What the parts of one message are sorted into. */
import type { ImageContent, TextContent } from '../../../wire/v4.ts';
import { textOf } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';
import { transcriptOf } from './media.ts';
import type { ProviderItem } from './provider-calls.ts';
import type { PartCall } from './tool-parts.ts';

export interface PartResult {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly content: MessageContent;
}

export type MessageContent = string | (TextContent | ImageContent)[];

export interface MessageParts {
  readonly content: (TextContent | ImageContent)[];
  readonly calls: PartCall[];
  readonly results: PartResult[];
  readonly reasoning: string[];
  /** Calls that the provider ran, and their results. */
  readonly provider: ProviderItem[];
}

export function createParts(): MessageParts {
  return { content: [], calls: [], results: [], reasoning: [], provider: [] };
}

/** Joins text parts with newlines into one string. A list with images stays a list; an empty one gives undefined. */
export function joinContent(content: (TextContent | ImageContent)[]): MessageContent | undefined {
  if (content.length === 0) return undefined;
  const texts: string[] = [];
  for (const part of content) {
    if (part.type !== 'text') return content;
    texts.push(part.text);
  }
  return texts.length === 1 ? texts[0] : texts.join('\n');
}

/** What JavaScript and Python print for the content of a message that only calls tools. */
const NO_CONTENT: ReadonlySet<unknown> = new Set(['null', 'None']);
const NO_CONTENT_CHARACTERS = 4;

/** Whether this text beside calls stands for none. A long text is not hashed to find out. */
export function isNoContent(text: unknown): boolean {
  return typeof text === 'string' && text.length === NO_CONTENT_CHARACTERS && NO_CONTENT.has(text);
}

/** Adds a text; null and undefined are none. */
export function pushText(value: unknown, into: MessageParts): void {
  if (value !== undefined && value !== null) into.content.push({ type: 'text', text: textOf(value) ?? toText(value) });
}

/**
 * Adds what was said or heard, unless it is there as a text already. Returns false if there is no transcript. It may be
 * a field of the part or message, or of its sound.
 */
export function addTranscript(source: Record<string, unknown>, into: MessageParts): boolean {
  const transcript = transcriptOf(source);
  if (transcript === undefined) return false;
  const { content } = into;
  if (content.some((part) => part.type === 'text' && part.text === transcript)) return true;
  const empty = content.findIndex((part) => part.type === 'text' && part.text === '');
  content.splice(empty < 0 ? content.length : empty, empty < 0 ? 0 : 1, { type: 'text', text: transcript });
  return true;
}

export function lettersOf(type: string): string {
  return type.replace(/[^a-z]/gi, '').toLowerCase();
}

/** Some instrumentations write nothing but a type for a part that they do not know. */
export function hasContent(part: Record<string, unknown>): boolean {
  for (const key in part) if (key !== 'type' && part[key] !== undefined && part[key] !== null) return true;
  return typeof part['type'] !== 'string' && !('text' in part);
}
