/**
 * The short way of OpenLLMetry's releases that write the GenAI conventions. Under a workflow of its SDK, calls also name
 * that and have the properties that the app has associated with it.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isString, type PlainFields, type ShortReading, ShortTable } from '../../short-way.ts';
import { toPlainJson } from '../../values/json/plain-json.ts';
import { DOUBTS, GEN_AI_KEYS, type GenAiReading, readGenAiShort } from '../gen-ai/short-way.ts';

const WORKFLOW = 'traceloop.workflow.name';
const PROPERTIES = 'traceloop.association.properties.';

const TABLE = new ShortTable<GenAiReading>(
  GEN_AI_KEYS,
  DOUBTS,
  /^traceloop\.(workflow\.name$|entity\.path$|association\.properties\.)/,
);

export function readOpenLlmetryShort(span: SpanSlice, kind: string): ShortReading | undefined {
  const reading = readGenAiShort(span, kind, 'openllmetry', TABLE);
  if (!reading?.collected) return reading;
  // Of tools and agents, the workflow may be the name.
  return kind === 'model' && readEntity(reading, span, reading.collected) ? reading : undefined;
}

function readEntity(reading: ShortReading, { attributes }: SpanSlice, keys: readonly string[]): boolean {
  const metadata: PlainFields = {};
  let properties: PlainFields | undefined;
  for (const key of keys) {
    const value = attributes[key];
    if (key.startsWith(PROPERTIES)) {
      if (key.endsWith('.__proto__') || key.length === PROPERTIES.length) return false;
      properties ??= {};
      properties[key.slice(PROPERTIES.length)] = toPlainJson(value);
    } else if (!isString(value) || !value.isWellFormed()) return false;
    // An entity at the top has an empty path.
    else if (value !== '') metadata[key === WORKFLOW ? 'workflow' : 'entity_path'] = value;
  }
  reading.metadata = metadata;
  reading.contentMetadata = properties;
  return true;
}
