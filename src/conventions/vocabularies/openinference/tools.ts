/** The tools that an OpenInference LLM span offers to its model. */

import type { Attributes } from '../../../otel/span-slice.ts';
import type { ModelTool } from '../../../wire/v4.ts';
import { isDefinition, modelToolsAt, toModelTool, toModelTools } from '../../content/model-tools.ts';
import type { IndexedGroup } from '../../values/indexed-groups.ts';
import type { SpanFields } from '../../values/span-fields.ts';

/** Reads `llm.tools.N`, else the request's own list, which is present even if content is hidden. */
export function readTools(
  fields: SpanFields,
  groups: readonly IndexedGroup[],
  parameters: Record<string, unknown> | undefined,
): ModelTool[] | undefined {
  if (groups.length === 0) {
    const whole = modelToolsAt(fields, 'llm.tools');
    if (whole) return fields.truncated.has('llm.tools') ? whole.map(withoutSchema) : whole;
    const tools = toModelTools(parameters?.['tools'] ?? parameters?.['functions']);
    return fields.truncated.has('llm.invocation_parameters') ? tools?.map(withoutSchema) : tools;
  }
  const tools: ModelTool[] = [];
  for (const { index, fields: definition } of groups) {
    const tool = readToolDefinition(fields, index, definition);
    if (tool) tools.push(tool);
  }
  return tools.length > 0 ? tools : undefined;
}

function readToolDefinition(fields: SpanFields, index: number, definition: Attributes): ModelTool | undefined {
  const key = `llm.tools.${index}.tool.json_schema`;
  const written = fields.object(key);
  // LiteLLM writes no more than the parameters there, and the rest beside them.
  const isWhole = written !== undefined && (definition['tool.name'] === undefined || isDefinition(written));
  const tool = toModelTool(
    isWhole
      ? written
      : {
          name: definition['tool.name'],
          description: definition['tool.description'],
          parameters: written ?? definition['tool.parameters'],
        },
  );
  return tool && fields.truncated.has(key) ? withoutSchema(tool) : tool;
}

/** A cut schema would be wrong. */
function withoutSchema(tool: ModelTool): ModelTool {
  const { parameters: _cut, ...rest } = tool;
  return rest;
}
