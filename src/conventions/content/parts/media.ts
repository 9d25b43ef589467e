/** Images, audio and files inside messages → image parts, or a line of text that names the file. */

import { isObject } from '../../../wire/json.ts';
import type { ImageContent, TextContent } from '../../../wire/v4.ts';
import { firstString, firstValue, stringOf } from '../../values/attributes.ts';
import { isLargeData, placeholderOf } from '../../values/json/large-data.ts';
import { toBytes } from '../../values/json/plain-json.ts';

type Fields = Record<string, unknown>;

export interface Media {
  /** A URL, a data URL, bare base64, or bytes (also a `Buffer` that went through JSON). */
  readonly data?: unknown;
  readonly mimeType?: string | undefined;
  /** The `detail` of an OpenAI image. */
  readonly detail?: string | undefined;
  readonly fileName?: string | undefined;
  readonly fileId?: string | undefined;
  /** Used if there is no MIME type: `image`, `audio`, `file`. */
  readonly modality?: string | undefined;
}

/** Langfuse keeps media elsewhere, and leaves this in place of a URL or base64. */
const STORED_BY_LANGFUSE = /^@@@langfuseMedia:type=([^|@]+)\|id=([^|@]+)\|/;

const URL_SCHEME = /^[a-z][a-z0-9+.-]{1,20}:/i;

/** First base64 characters of the image formats that models accept. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
];

/** The same of a PDF, for which some sources say that it is a document, a file, or even an image. */
const PDF_SIGNATURE = 'JVBERi0';
const UNKNOWN_TYPE = 'application/octet-stream';

/** By the format of Bedrock's documents, or the end of a file's name. */
const DOCUMENT_TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['pdf', 'application/pdf'],
  ['csv', 'text/csv'],
  ['doc', 'application/msword'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xls', 'application/vnd.ms-excel'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['html', 'text/html'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
]);

/** Keys whose object may hold the payload of a part. */
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
  'base64',
  'base64data',
  'binary_content',
  'file_data',
  'file_url',
] as const;
const MIME_KEYS = ['mime_type', 'mimeType', 'mediaType', 'media_type', 'contentType'] as const;

/** Reads a part that is known to hold a file. `modality` is the caller's guess from the key that held the part. */
export function readMedia(part: Fields, modality?: string): Media {
  const type = stringOf(part['type']);
  const kind = stringOf(part['modality']) ?? modality ?? (type && modalityOf(type));
  for (const key of PAYLOAD_KEYS) {
    const inner = part[key];
    if (isObject(inner) && inner['type'] !== 'Buffer')
      return mergeMedia(readPayload(inner, kind), readPayload(part, kind));
  }
  return readPayload(part, kind);
}

/** Returns an image as `image_url`; anything else, and an image too large to keep, as a placeholder text. */
export function toMediaContent(media: Media): ImageContent | TextContent {
  const bytes = bytesOf(media.data);
  const source = bytes ? Buffer.from(bytes).toString('base64') : stringOf(media.data);
  if (source === undefined) return toTextPart(describe(media));
  const type = typeOf(source, media);
  const isImage = type ? type.startsWith('image/') : media.modality === 'image';
  const [, mimeType, fileId] = STORED_BY_LANGFUSE.exec(source) ?? [];
  if (mimeType !== undefined) return toTextPart(describe({ ...media, mimeType, fileId }));
  if (isStandIn(source)) return toTextPart(describe({ ...media, mimeType: type }));
  const isUrl = URL_SCHEME.test(source.slice(0, 24));
  if (isUrl && !source.startsWith('data:')) {
    return isImage ? toImagePart(source, media.detail) : toTextPart(`${describe(media).slice(0, -1)}, ${source}]`);
  }
  if (isLargeData(source) || !(isImage || source.startsWith('data:image/'))) {
    return toTextPart(placeholderOf(source, type ?? media.modality));
  }
  return toImagePart(isUrl ? source : `data:${imageType(source, media.mimeType)};base64,${source}`, media.detail);
}

/** A word that instrumentations write in place of the data: `[Blob substitute]`, `<redacted>`, `__REDACTED__`. */
const STAND_IN = /^(?:data:[\w.+/;=-]{0,100},)?(?:\[[^\]]{0,60}\]|<[\w \-:]{1,60}>|__[A-Z_]{1,40}__)$/;

function isStandIn(source: string): boolean {
  return source.length <= 200 && STAND_IN.test(source);
}

/** What the data itself says is more certain than what is said of it. */
function typeOf(source: string, { mimeType, fileName }: Media): string | undefined {
  if (source.startsWith('data:')) {
    const own = /^data:([\w.+-]+\/[\w.+-]+)/.exec(source)?.[1];
    return own === UNKNOWN_TYPE ? (mimeType ?? own) : (own ?? mimeType);
  }
  if (source.startsWith(PDF_SIGNATURE)) return 'application/pdf';
  return mimeType ?? DOCUMENT_TYPES.get(/\.(\w{2,4})$/.exec(fileName ?? '')?.[1]?.toLowerCase());
}

/** Returns what was said or heard, from a part or message, or from the sound in it. */
export function transcriptOf(source: Fields): string | undefined {
  for (const holder of [source, source['audio'], source['input_audio'], source['output_audio']]) {
    const transcript = isObject(holder) ? stringOf(holder['transcript']) : undefined;
    if (transcript !== undefined) return transcript;
  }
  return undefined;
}

function readPayload(body: Fields, modality: string | undefined): Media {
  const source = isObject(body['source']) ? body['source'] : body;
  const format = stringOf(body['format']);
  return {
    data: firstValue(source, DATA_KEYS),
    mimeType:
      firstString(source, ...MIME_KEYS) ??
      (modality === 'document' ? DOCUMENT_TYPES.get(format) : undefined) ??
      (format && modality && `${modality}/${format}`),
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
  if (isObject(data) && data['type'] === 'Buffer' && Array.isArray(data['data'])) return toBytes(data['data']);
  return undefined;
}

function imageType(base64: string, mimeType: string | undefined): string {
  if (mimeType && mimeType !== 'image/*') return mimeType;
  return SIGNATURES.find(([start]) => base64.startsWith(start))?.[1] ?? mimeType ?? 'image/png';
}

/** Returns `[application/pdf, report.pdf]`. */
function describe(media: Media): string {
  const words = [media.mimeType ?? media.modality ?? 'file', media.fileName, media.fileId];
  return `[${words.filter((word) => word !== undefined).join(', ')}]`;
}

function toImagePart(url: string, detail: string | undefined): ImageContent {
  return { type: 'image_url', image_url: detail === undefined ? { url } : { url, detail } };
}

function toTextPart(value: string): TextContent {
  return { type: 'text', text: value };
}
