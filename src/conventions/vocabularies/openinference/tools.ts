/** The tools that an OpenInference LLM span offers to its model. */

import type { Attributes } from '../../../otel/span-slice.ts';
import type { ModelTool } from '../../../wire/v4.ts';
import { toModelTool, toModelTools } from '../../content/model-tools.ts';
import { type Damage, objectOf } from '../../values/attributes.ts';
import type { IndexedGroup } from '../../values/indexed-groups.ts';

/** Reads `llm.tools.N`, else the request's own list, which is present even if content is hidden. */
export function readTools(
  groups: readonly IndexedGroup[],
  parameters: Record<string, unknown> | undefined,
  damage: Damage,
): ModelTool[] | undefined {
  if (groups.length === 0) {
    const tools = toModelTools(parameters?.['tools'] ?? parameters?.['functions']);
    return damage.has('llm.invocation_parameters') ? tools?.map(withoutSchema) : tools;
  }
  const tools: ModelTool[] = [];
  for (const { index, fields } of groups) {
    const tool = readToolDefinition(index, fields, damage);
    if (tool) tools.push(tool);
  }
  return tools.length > 0 ? tools : undefined;
}

function readToolDefinition(index: number, fields: Attributes, damage: Damage): ModelTool | undefined {
  const key = `llm.tools.${index}.tool.json_schema`;
  const schema = objectOf(fields['tool.json_schema'], damage, key);
  const tool = toModelTool(
    schema ?? {
      name: fields['tool.name'],
      description: fields['tool.description'],
      parameters: fields['tool.parameters'],
    },
  );
  return tool && damage.has(key) ? withoutSchema(tool) : tool;
}

/** A cut schema would be wrong. */
function withoutSchema(tool: ModelTool): ModelTool {
  const { parameters: _cut, ...rest } = tool;
  return rest;
}
