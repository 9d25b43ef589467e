/**
 * One tool call whose spans are not due together: a request to an MCP server ends while the tool's span around it is
 * open, or one of the two comes when the other's log is posted.
 */
import { kindNow } from '../select-spans.ts';
import type { SpanNode, ToolFacts } from '../span-node.ts';
import { findLogAbove, makePlumbing, type ResolverHost } from './resolver-host.ts';
import { isSameTool, toolFactsOf } from './tool-facts.ts';

/** So many posted requests of a trace are compared. The spans around a request come soon after it. */
const MAX_REQUESTS = 64;

/** Takes the logs of a run. Those of them that are tools keep their facts, for spans that come later. */
export function resolveLateRequests(logs: readonly SpanNode[], host: ResolverHost): void {
  for (let at = 0; at < logs.length; at++) {
    const node = logs[at] as SpanNode;
    const { kind, span, reading } = node;
    if (kind === 'tool' && span && reading) resolveTool(node, toolFactsOf(span, reading), host);
  }
}

function resolveTool(node: SpanNode, tool: ToolFacts, host: ResolverHost): void {
  const { entry, trace } = node;
  node.tool = tool;
  if (entry || joinAbove(node, tool, host) || joinBelow(node, tool, host)) return;
  if (tool.mcpRole === undefined) return;
  trace.requests ??= [];
  trace.requests.push(node);
  if (trace.requests.length > MAX_REQUESTS) trace.requests.shift();
}

/** The tool's span above the request is open, is worked off later, or has a log. */
function joinAbove(node: SpanNode, tool: ToolFacts, host: ResolverHost): boolean {
  if (tool.mcpRole === undefined) return false;
  const above = findLogAbove(node, host);
  if (!above || kindNow(above, host.select) !== 'tool') return false;
  const isOpen = above.span !== undefined && above.state !== 'retired';
  const reading = isOpen ? host.read(above) : undefined;
  const around = reading && above.span ? toolFactsOf(above.span, reading) : above.tool;
  if (!around || !isSameTool(around, tool)) return false;
  if (isOpen && node.reading) host.absorb(above, node.reading, node.estimatedBytes);
  else if (above.entry) host.fillIn(above.entry, node, lackingOf(around));
  else return false;
  makePlumbing(node, above);
  return true;
}

/** The request below the tool's span has a log. */
function joinBelow(node: SpanNode, tool: ToolFacts, host: ResolverHost): boolean {
  const posted = node.trace.requests?.find(
    (request) =>
      request.entry !== undefined &&
      request.tool !== undefined &&
      findLogAbove(request, host) === node &&
      isSameTool(tool, request.tool),
  );
  if (!posted?.entry || !posted.tool) return false;
  host.fillIn(posted.entry, node, lackingOf(posted.tool));
  makePlumbing(node, posted);
  return true;
}

function lackingOf({ output, hasError }: ToolFacts) {
  return { output: output === undefined, error: !hasError };
}
