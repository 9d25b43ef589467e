/** Converts configs from their rows to the wire's form. Pure. */
import { createHash } from 'node:crypto';
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import { isObject } from '../../../wire/json.ts';
import type { ConfigResponse, ProjectConfigResponse } from '../project-store.ts';

/** Where a tool's definition is. In the first versions of the API, the same field was the tool's code. */
const TOOL_SOURCES: readonly unknown[] = ['organization', 'inline'];

/** Leaves the stored content as it was given, except for what v4 requires of an answer. */
export function toConfigResponse(id: SqliteValue | undefined, content: SqliteValue | undefined): ConfigResponse {
  const config = JSON.parse(content as string) as Record<string, unknown>;
  config['id'] = id;
  switch (config['type']) {
    case 'model':
      if (Array.isArray(config['tools'])) config['tools'] = config['tools'].map(toToolResponse);
      return config as ConfigResponse;
    case 'tool':
      moveCode(config);
      break;
    case 'agent': {
      const model = config['model_config'];
      const modelTools = isObject(model) ? model['tools'] : undefined;
      for (const tool of [config['tools'], modelTools].flat()) if (isObject(tool)) moveCode(tool);
    }
  }
  // Of every type but `model`, whose schema forbids `status`.
  config['status'] = 'uncommitted';
  config['name'] ??= config['agent_class'] ?? config['type'];
  return config as ConfigResponse;
}

/** Longer configs are few, and are not worth their memory. */
const MAX_CHARACTERS = 16 * 1024;
const MAX_CONFIGS = 256;

interface WrittenConfig {
  readonly content: string;
  readonly json: string;
}

/** By id. */
let newer = new Map<SqliteValue | undefined, WrittenConfig>();
let older = newer;

/**
 * Returns the JSON of `toConfigResponse`; undefined for a config that is long. The logs of an agent share a few configs,
 * which are written once.
 */
export function toConfigJson(id: SqliteValue | undefined, content: string): string | undefined {
  if (content.length > MAX_CHARACTERS) return undefined;
  const known = newer.get(id) ?? older.get(id);
  const written = known?.content === content ? known : { content, json: JSON.stringify(toConfigResponse(id, content)) };
  if (newer.get(id) !== written) {
    if (newer.size >= MAX_CONFIGS) [older, newer] = [newer, new Map()];
    newer.set(id, written);
  }
  return written.json;
}

/** Equal tools have the same id. They are not stored apart from their configs. */
function toToolResponse(tool: Record<string, unknown>): Record<string, unknown> {
  const id = tool['id'] ?? `tool_${createHash('sha256').update(JSON.stringify(tool)).digest('hex').slice(0, 21)}`;
  return { ...tool, id, name: tool['name'] ?? id };
}

function moveCode(tool: Record<string, unknown>): void {
  const { source } = tool;
  if (source === undefined || TOOL_SOURCES.includes(source)) return;
  tool['source_code'] ??= source;
  delete tool['source'];
}

/** Takes a row with the columns of a config and its project; `config` if it is converted already. */
export function toProjectConfig(
  row: SqliteRow,
  config = toConfigResponse(row['config_id'], row['config']),
): ProjectConfigResponse {
  return { ...toUse(row), config };
}

/** Returns the JSON of `toProjectConfig`, with that of the config. */
export function toProjectConfigJson(row: SqliteRow, config: string): string {
  return `${JSON.stringify(toUse(row)).slice(0, -1)},"config":${config}}`;
}

/** What a project says of a config. */
function toUse(row: SqliteRow) {
  return {
    project_id: row['project_id'] as string,
    project_name: row['project'] as string,
    created_at: row['config_created_at'] as string,
    updated_at: row['config_created_at'] as string,
    last_used: row['config_last_used'] as string,
  };
}

const PROJECT_TYPES: Readonly<Record<string, 'prompt' | 'tool'>> = { model: 'prompt', tool: 'tool' };

/** Returns what v4 calls a project, by the type of its first config; `null` where it has none. */
export function toProjectType(configType: unknown): 'prompt' | 'tool' | 'flow' {
  return PROJECT_TYPES[configType as string] ?? 'flow';
}
