/** Images, audio and files inside messages → image parts, or a line of text that says what was there. */

import { isObject } from '../../wire/json.ts';
import type { ImageContent, TextContent } from '../../wire/v4.ts';
import { firstString, firstValue, stringOf } from '../values/attributes.ts';
import { isLargeData, placeholderOf } from '../values/large-data.ts';
import { bufferOf } from '../values/plain-json.ts';

type Fields = Record<string, unknown>;

export interface Media {
  /** A URL, a data URL, bare base64, or bytes (also a `Buffer` that went through JSON). */
  readonly data?: unknown;
  readonly mimeType?: string | undefined;
  /** The `detail` of an OpenAI image. */
  readonly detail?: string | undefined;
  readonly fileName?: string | undefined;
  readonly fileId?: string | undefined;
  /** What it is where no MIME type says so: `image`, `audio`, `file`. */
  readonly modality?: string | undefined;
}

const URL_SCHEME = /^[a-z][a-z0-9+.-]{1,20}:/i;

/** First base64 characters of the image formats that models take. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
];

/** Keys below which a part may keep its payload. */
const PAYLOAD_KEYS = [
  'image_url',
  'source',
  'image',
  'input_audio',
  'audio',
  'file',
  'media',
  'audio_url',
  'video_url',
] as const;
const DATA_KEYS = [
  'url',
  'uri',
  'fileUri',
  'file_uri',
  'image_url',
  'image',
  'data',
  'content',
  'bytes',
  'file_data',
  'file_url',
] as const;
const MIME_KEYS = ['mime_type', 'mimeType', 'mediaType', 'media_type', 'contentType'] as const;

/** A part of which it is known that it holds a file. `modality` is what its kind says it is. */
export function readMedia(part: Fields, modality?: string): Media {
  const type = stringOf(part['type']);
  const kind = stringOf(part['modality']) ?? modality ?? (type && modalityOf(type));
  for (const key of PAYLOAD_KEYS) {
    const inner = part[key];
    if (isObject(inner) && inner['type'] !== 'Buffer') return mergeMedia(payload(inner, kind), payload(part, kind));
  }
  return payload(part, kind);
}

/** An image becomes `image_url`; anything else, and an image too large to keep, becomes a placeholder text. */
export function toMediaContent(media: Media): ImageContent | TextContent {
  const isImage = media.mimeType ? media.mimeType.startsWith('image/') : media.modality === 'image';
  const bytes = bytesOf(media.data);
  const source = bytes ? Buffer.from(bytes).toString('base64') : stringOf(media.data);
  if (source === undefined) return text(describe(media));
  const isUrl = URL_SCHEME.test(source.slice(0, 24));
  if (isUrl && !source.startsWith('data:')) {
    return isImage ? image(source, media.detail) : text(`${describe(media).slice(0, -1)}, ${source}]`);
  }
  if (isLargeData(source) || !(isImage || source.startsWith('data:image/'))) {
    return text(placeholderOf(source, media.mimeType ?? media.modality));
  }
  return image(isUrl ? source : `data:${imageType(source, media.mimeType)};base64,${source}`, media.detail);
}

function payload(body: Fields, modality: string | undefined): Media {
  const source = isObject(body['source']) ? body['source'] : body;
  const format = stringOf(body['format']);
  return {
    data: firstValue(source, DATA_KEYS),
    mimeType: firstString(source, ...MIME_KEYS) ?? (format && modality && `${modality}/${format}`),
    detail: stringOf(body['detail']),
    fileName: firstString(body, 'filename', 'fileName'),
    fileId: firstString(body, 'file_id', 'fileId'),
    modality,
  };
}

function mergeMedia(inner: Media, outer: Media): Media {
  return {
    data: inner.data,
    mimeType: inner.mimeType ?? outer.mimeType,
    detail: inner.detail ?? outer.detail,
    fileName: inner.fileName ?? outer.fileName,
    fileId: inner.fileId ?? outer.fileId,
    modality: outer.modality,
  };
}

function modalityOf(type: string): string {
  return ['image', 'audio', 'video', 'document'].find((kind) => type.includes(kind)) ?? 'file';
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  if (isObject(data) && data['type'] === 'Buffer' && Array.isArray(data['data'])) return bufferOf(data['data']);
  return undefined;
}

function imageType(base64: string, mimeType: string | undefined): string {
  if (mimeType && mimeType !== 'image/*') return mimeType;
  return SIGNATURES.find(([start]) => base64.startsWith(start))?.[1] ?? mimeType ?? 'image/png';
}

/** `[application/pdf, report.pdf]` */
function describe(media: Media): string {
  const words = [media.mimeType ?? media.modality ?? 'file', media.fileName, media.fileId];
  return `[${words.filter((word) => word !== undefined).join(', ')}]`;
}

function image(url: string, detail: string | undefined): ImageContent {
  return { type: 'image_url', image_url: detail === undefined ? { url } : { url, detail } };
}

function text(value: string): TextContent {
  return { type: 'text', text: value };
}
