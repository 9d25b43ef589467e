/**
 * Requests of the Model Context Protocol, by `mcp.method.name`: OpenTelemetry's conventions for clients and servers, and
 * Sentry's spans of a server, which have one attribute per argument. A call of a tool is a log, all other requests are
 * plumbing.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsAt } from '../content/inputs.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, jsonOf, nameOf, stringOf } from '../values/attributes.ts';
import { FieldTable } from '../values/field-table.ts';
import { fieldsBelow, groupByIndex } from '../values/indexed-groups.ts';
import { toOptionalText, toPlainJson } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

const METHOD = 'mcp.method.name';
const TOOL = 'mcp.tool.name';
const CALL = 'tools/call';
const RESULT = 'mcp.tool.result.';
const ARGUMENT = 'mcp.request.argument.';
/** What Monocle writes on a client's request, for its kind. */
const MONOCLES_REQUEST = 'agentic.mcp.invocation';

const STRUCTURE = new FieldTable<Record<string, unknown>>({
  mcp_session_id: [nameOf, 'mcp.session.id'],
  mcp_request_id: [toId, 'mcp.request.id', 'jsonrpc.request.id'],
  mcp_transport: [transportOf, 'mcp.transport', 'network.transport'],
  mcp_status_code: [toId, 'rpc.response.status_code', 'rpc.jsonrpc.error_code'],
  mcp_protocol_version: [nameOf, 'mcp.protocol.version'],
  server_address: [nameOf, 'server.address'],
});

export const mcp: Convention = {
  name: 'mcp',
  title: 'MCP, clients and servers',
  signs: { keys: [METHOD, TOOL] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const method = attributes[METHOD];
    if (method === CALL) return 'tool';
    if (method === undefined) return attributes[TOOL] === undefined ? undefined : 'tool';
    // A span with an operation of its own says more than that it was asked for by this protocol.
    return attributes['gen_ai.operation.name'] === undefined ? 'plumbing' : undefined;
  },

  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    const { attributes, keys } = fields;
    const result = fields.object(fields.firstKey(...RESULTS) ?? RESULTS[0]);
    // What a tool returns may say the same of something else.
    const told = Array.isArray(result?.['content']) ? result['isError'] : undefined;
    const failed = booleanOf(attributes['mcp.tool.result.is_error'] ?? told) === true;
    return {
      name: fields.firstName(TOOL, 'gen_ai.tool.name') ?? stringOf(/^tools\/call (.+)/.exec(span.name)?.[1]),
      inputs: readArguments(fields),
      output: readResult(fields),
      error: readError(span, failed ? { failed, type: fields.firstString('error.type') ?? 'tool error' } : {}),
      metadata: STRUCTURE.read(attributes, keys),
    };
  },
};

/** `SpanKind.SERVER` of OpenTelemetry. */
const KIND_SERVER = 1;

/** Returns which end of the protocol reports a tool call; undefined if the span is not of this protocol. */
export function roleInMcp({ attributes, kind }: SpanSlice): 'client' | 'server' | undefined {
  if (attributes['span.type'] === MONOCLES_REQUEST) return 'client';
  if (attributes[METHOD] !== CALL && attributes[TOOL] === undefined) return undefined;
  return kind === KIND_SERVER || attributes['sentry.op'] === 'mcp.server' ? 'server' : 'client';
}

/** The value of each argument is JSON. */
function readArguments(fields: SpanFields): Record<string, unknown> | undefined {
  const found = fieldsBelow(fields.attributes, ARGUMENT);
  if (!found) return inputsAt(fields, fields.firstKey('gen_ai.tool.call.arguments', 'mcp.tool.arguments'));
  for (const name in found) found[name] = toPlainJson(jsonOf(found[name]) ?? found[name]);
  return found;
}

const RESULTS = ['mcp.tool.result.content', 'gen_ai.tool.call.result', 'mcp.tool.result'] as const;

/** The result is one value, or has one attribute for each of its blocks. */
function readResult(fields: SpanFields): string | undefined {
  const key = fields.firstKey(...RESULTS);
  if (key !== undefined) return textOfBlocks(fields.json(key)) ?? toOptionalText(fields.attributes[key]);
  const [blocks = []] = groupByIndex(fields.attributes, [RESULT]);
  const texts = blocks.flatMap((block) => stringOf(block.fields['content']) ?? []);
  return texts.length > 0 ? texts.join('\n') : undefined;
}

/** Returns the text of a list of blocks, also in the result around it; undefined if any block is not text. */
function textOfBlocks(value: unknown): string | undefined {
  const blocks = isObject(value) ? value['content'] : value;
  if (!Array.isArray(blocks) || blocks.length === 0) return undefined;
  const texts = blocks.map((block: unknown) => (isObject(block) ? stringOf(block['text']) : undefined));
  return texts.every((text) => text !== undefined) ? texts.join('\n') : undefined;
}

function toId(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? `${value}` : nameOf(value);
}

/** Returns one of the protocol's transports. Any other text may be content, which must not pass for structure. */
function transportOf(value: unknown): string | undefined {
  const name = nameOf(value);
  return name !== undefined && /^(stdio|sse|https?|tcp|pipe|websocket|(streamable[-_]?)http)$/i.test(name)
    ? name
    : undefined;
}
