/** The keys by which a part without a type is known: each holds the payload of one sort of part. */
export const CALL_KEYS = ['toolUse', 'functionCall', 'function_call', 'toolRequest', 'tool_call'] as const;
export const RESULT_KEYS = [
  'toolResult',
  'functionResponse',
  'function_response',
  'toolResponse',
  'tool_response',
  'tool_call_result',
] as const;
/** With the modality that the key tells. */
export const MEDIA_KEYS: readonly (readonly [string, string | undefined])[] = [
  ['inlineData', undefined],
  ['inline_data', undefined],
  ['fileData', undefined],
  ['file_data', undefined],
  ['media', undefined],
  ['image', 'image'],
  ['document', 'document'],
  ['video', 'video'],
  ['audio', 'audio'],
  ['input_audio', 'audio'],
];

/** OpenInference's messages, if they were not flattened, and Bedrock's texts. */
export const ENVELOPE_KEYS = ['message_content', 'citationsContent', 'guardContent'] as const;

/** What Pydantic AI's first events have in place of a type. */
export const PYDANTIC_KINDS: ReadonlySet<unknown> = new Set([
  'text',
  'thinking',
  'image-url',
  'document-url',
  'binary',
]);
