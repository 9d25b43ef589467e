/** Converts configs from their rows to the wire's form. */
import { createHash } from 'node:crypto';
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import { isObject } from '../../../wire/json.ts';
import { nextHeavyTurn } from '../heavy-turns.ts';
import { createOneAtATime } from '../one-at-a-time.ts';
import type { ProjectConfigResponse } from '../project-store.ts';
import { takeSteps, toEnd } from '../steps.ts';
import { addStoredFields } from './log-json.ts';

/** Where a tool's definition is. In the first versions of the API, the same field was the tool's code. */
const TOOL_SOURCES: readonly unknown[] = ['organization', 'inline'];

/** Longer configs are few, and are not worth their memory. */
const MAX_CHARACTERS = 16 * 1024;
const MAX_CONFIGS = 256;
/** Longer ones are converted in steps. */
const LARGE_CHARACTERS = 128 * 1024;

interface KnownConfig {
  readonly content: string;
  readonly json: string;
}

/** By id. */
let newer = new Map<SqliteValue | undefined, KnownConfig>();
let older = newer;

/** JSON of the large configs of these rows. */
const prepared = new WeakMap<object, string>();

/** What is parsed takes several times the memory of its text. */
const alone = createOneAtATime();

/**
 * To be awaited before anything below is asked for: a large config is converted in steps, which others need not wait for.
 * Takes any row.
 */
export async function prepareConfig(row: SqliteRow): Promise<void> {
  const content = row['config'];
  if (typeof content !== 'string' || content.length <= LARGE_CHARACTERS || prepared.has(row)) return;
  await alone(async () => {
    await nextHeavyTurn();
    prepared.set(row, await takeSteps(toJson(row['config_id'], content)));
  });
}

/**
 * Returns the JSON of a config, from a row that has it. It is as it was given, except for what v4 requires of an answer.
 * The logs of an agent share a few configs, which are written once.
 */
export function toConfigJson(row: SqliteRow): string {
  const ready = prepared.get(row);
  if (ready !== undefined) return ready;
  const [id, content] = [row['config_id'], row['config'] as string];
  if (content.length > MAX_CHARACTERS) return toEnd(toJson(id, content));
  const known = newer.get(id) ?? older.get(id);
  const written = known?.content === content ? known : { content, json: toEnd(toJson(id, content)) };
  if (newer.get(id) !== written) {
    if (newer.size >= MAX_CONFIGS) [older, newer] = [newer, new Map()];
    newer.set(id, written);
  }
  return written.json;
}

function* toJson(id: SqliteValue | undefined, content: string): Generator<void, string> {
  const config = JSON.parse(content) as Record<string, unknown>;
  yield;
  config['id'] = id;
  complete(config);
  const fields: string[] = [];
  for (const [name, value] of Object.entries(config)) {
    const isConverted = name === 'tools' && config['type'] === 'model' && Array.isArray(value);
    const text = isConverted ? yield* toToolsJson(value) : JSON.stringify(value);
    fields.push(`${JSON.stringify(name)}:${text}`);
    yield;
  }
  return `{${fields.join(',')}}`;
}

/** Tools of a model get ids: equal ones have the same, since they are not stored apart from their configs. */
function* toToolsJson(tools: readonly Record<string, unknown>[]): Generator<void, string> {
  const texts: string[] = [];
  for (const tool of tools) {
    texts.push(JSON.stringify(toToolResponse(tool)));
    yield;
  }
  return `[${texts.join(',')}]`;
}

/** All that v4 requires but the ids of the tools of a model. */
function complete(config: Record<string, unknown>): void {
  switch (config['type']) {
    case 'model':
      return;
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
}

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

/** Takes a row with the columns of a config and its project. */
export function toProjectConfig(row: SqliteRow): ProjectConfigResponse {
  const use = toUse(row);
  addStoredFields(use, new Map([['config', toConfigJson(row)]]));
  return use as typeof use & Pick<ProjectConfigResponse, 'config'>;
}

/** Returns the JSON of `toProjectConfig`, with that of the config. */
export function toProjectConfigJson(row: SqliteRow, config = toConfigJson(row)): string {
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
