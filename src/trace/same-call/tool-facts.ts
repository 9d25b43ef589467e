/**
 * What the spans of one tool call are known by. A framework's span around the request to an MCP server, the request, and
 * the server's own span are one call, as are the spans of two instrumentations of one tool.
 */
import type { Reading } from '../../conventions/convention.ts';
import { stringOf } from '../../conventions/values/attributes.ts';
import { roleInMcp } from '../../conventions/vocabularies/mcp.ts';
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { ToolFacts } from '../span-node.ts';
import { fingerprint } from './fingerprint.ts';

const MAX_ARGUMENTS = 32;
const MAX_TEXT = 64;

/** Names that frameworks give to the span of any tool. */
const ANY_TOOL =
  /^((ai_)?tool_?call|(mcp_)?tools?|mcp|(call|execute|run|use)_(mcp_)?tool|tools_call|dynamic_(structured_)?tool)$/;

export function toolFactsOf(span: SpanSlice, { name, inputs, output, error }: Reading): ToolFacts {
  const texts = new Map<string, string>();
  for (const key in inputs) {
    if (texts.size >= MAX_ARGUMENTS) break;
    const text = textOf(inputs[key]);
    if (text !== undefined) texts.set(key, text);
  }
  return {
    name: plainName(name ?? stringOf(span.name) ?? ''),
    mcpRole: roleInMcp(span),
    scope: scopeOf(span).name,
    arguments: texts,
    output: output ? fingerprint(output) : undefined,
    hasError: error !== undefined,
  };
}

/** Whether a tool's span and the nearest one below it are the same call. */
export function isSameTool(outer: ToolFacts, inner: ToolFacts): boolean {
  if (inner.mcpRole === 'server' && outer.mcpRole === 'client') return true;
  const likeness = compareArguments(outer.arguments, inner.arguments);
  if (likeness === 'different') return false;
  const sameOutput = outer.output !== undefined && outer.output === inner.output;
  if (inner.mcpRole === undefined) {
    // Not a request of the outer tool: it may be another call of the same tool.
    const agree = outer.output === undefined || inner.output === undefined || sameOutput;
    return outer.scope !== inner.scope && outer.name === inner.name && likeness === 'equal' && agree;
  }
  if (outer.name === inner.name || ANY_TOOL.test(outer.name)) return true;
  // `weather_get_forecast`, of a server named `weather`.
  if (outer.name.endsWith(`_${inner.name}`) || inner.name.endsWith(`_${outer.name}`)) return likeness !== 'unrelated';
  return sameOutput && likeness !== 'unrelated';
}

type Likeness = 'equal' | 'different' | 'unrelated' | 'unknown';

/** `equal`: what both name is equal. `unrelated`: they have no name in common. */
function compareArguments(first: ReadonlyMap<string, string>, second: ReadonlyMap<string, string>): Likeness {
  if (first.size === 0 || second.size === 0) return 'unknown';
  let shared = 0;
  for (const [key, text] of first) {
    const other = second.get(key);
    if (other === undefined) continue;
    if (other !== text) return 'different';
    shared++;
  }
  return shared > 0 ? 'equal' : 'unrelated';
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return undefined;
  return value.length > MAX_TEXT ? fingerprint(value) : value;
}

function plainName(name: string): string {
  const words = name.replace(/^(execute_tool|tools\/call)[ .]/, '').replace(/([a-z0-9])([A-Z])/g, '$1_$2');
  return words
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '')
    .toLowerCase();
}
