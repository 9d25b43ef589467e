/** Images, audio and files inside messages → image parts, or a line of text that says what was there. */
import type { ImageContent, TextContent } from '../datapoint/datapoint.ts';
import { isObject, stringOf } from './attributes.ts';
import { isLargeData, placeholderOf } from './large-data.ts';
import { bufferOf } from './plain-json.ts';

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

/** An image becomes `image_url`; anything else, and an image too large to keep, becomes a placeholder text. */
export function toMediaContent(media: Media): ImageContent | TextContent {
  const isImage = media.modality === 'image' || media.mimeType?.startsWith('image/') === true;
  const bytes = bytesOf(media.data);
  const source = bytes ? Buffer.from(bytes).toString('base64') : stringOf(media.data);
  if (source === undefined) return text(describe(media));
  const isUrl = URL_SCHEME.test(source.slice(0, 24));
  if (isUrl && !source.startsWith('data:')) {
    return isImage ? image(source, media.detail) : text(`${describe(media).slice(0, -1)}: ${source}]`);
  }
  if (isLargeData(source) || !(isImage || source.startsWith('data:image/'))) {
    return text(placeholderOf(source, media.mimeType ?? media.modality));
  }
  return image(isUrl ? source : `data:${imageType(source, media.mimeType)};base64,${source}`, media.detail);
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
