/**
 * Creates `docs/conventions.md`: which fields of a log each vocabulary fills, taken from the recordings and the
 * datapoints expected from them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LogRequest } from '../src/wire/v4.ts';
import { table } from './markdown-table.ts';

const RECORDINGS = fileURLToPath(new URL('../test/fixtures/spans/', import.meta.url));

type Datapoint = LogRequest & { config: Record<string, unknown>; metadata: Record<string, unknown> };
/** Returns the field's value; undefined, null or false if the log does not have it. */
type Find = (datapoint: Datapoint) => unknown;

interface Recorded {
  readonly folder: string;
  readonly packages: Readonly<Record<string, string>>;
  readonly datapoints: readonly Datapoint[];
}

const LETTERS = { model: 'M', tool: 'T', agent: 'A', generic: 'G' } as const;

/** The place of a parameter depends on the kind of the log. */
const parameter =
  (name: string): Find =>
  ({ config }) => {
    const holders = [config, config['model_config'], config['other']] as (Datapoint['config'] | undefined)[];
    return holders.find((holder) => holder?.[name] !== undefined)?.[name];
  };
const field =
  (name: keyof LogRequest): Find =>
  (datapoint) =>
    datapoint[name];
const metadata =
  (name: string): Find =>
  (datapoint) =>
    datapoint.metadata[name];

/** Whether the metadata has any field of this group, such as `mcp_session_id`. */
const anyMetadata =
  (prefix: string): Find =>
  (datapoint) =>
    Object.keys(datapoint.metadata).some((name) => name.startsWith(prefix));

const TABLES: readonly [title: string, fields: Readonly<Record<string, Find>>][] = [
  [
    'Content',
    {
      inputs: ({ inputs }) => Object.keys(inputs ?? {}).length > 0,
      messages: field('messages'),
      images: ({ messages }) =>
        messages?.some(
          ({ content }) =>
            Array.isArray(content) && content.some((part: { type: string }) => part.type === 'image_url'),
        ),
      'tool calls': ({ messages = [], output_message }) =>
        [...(messages ?? []), output_message].some((message) => message?.tool_calls != null),
      output: field('output'),
      output_message: field('output_message'),
      reasoning: metadata('reasoning'),
      'further choices': metadata('choices'),
      error: field('error'),
      'raw request': field('provider_request'),
      'raw response': field('provider_response'),
    },
  ],
  [
    'Config',
    {
      model: (datapoint) => parameter('model')(datapoint) !== 'unknown' && parameter('model')(datapoint),
      provider: parameter('provider'),
      endpoint: parameter('endpoint'),
      temperature: parameter('temperature'),
      top_p: parameter('top_p'),
      max_tokens: parameter('max_tokens'),
      penalties: (datapoint) => parameter('presence_penalty')(datapoint) ?? parameter('frequency_penalty')(datapoint),
      stop: parameter('stop'),
      seed: parameter('seed'),
      response_format: parameter('response_format'),
      tools: parameter('tools'),
      template: (datapoint) => parameter('prompt_template')(datapoint) ?? parameter('chat_template')(datapoint),
      description: parameter('description'),
      parameters: parameter('parameters'),
    },
  ],
  [
    'Usage and context',
    {
      tokens: ({ prompt_tokens, output_tokens }) => prompt_tokens ?? output_tokens,
      'cache tokens': ({ metadata: { cache_read_tokens, cache_write_tokens } }) =>
        cache_read_tokens ?? cache_write_tokens,
      'reasoning tokens': metadata('reasoning_tokens'),
      'time to first token': metadata('time_to_first_chunk_ms'),
      cost: ({ prompt_cost, output_cost }) => prompt_cost ?? output_cost,
      finish_reason: metadata('finish_reason'),
      response_id: metadata('response_id'),
      response_model: metadata('response_model'),
      session: ({ session_reference_id, metadata: { trace_id } }) => session_reference_id !== trace_id,
      user: metadata('user'),
      tags: metadata('tags'),
      environment: field('environment'),
    },
  ],
  [
    'Around the call',
    {
      evaluation: ({ feedback, metadata: { evaluations } }) => feedback ?? evaluations,
      'prompt name': ({ metadata: { prompt_name, prompt_key } }) => prompt_name ?? prompt_key,
      'agent of a call': metadata('agent_name'),
      MCP: anyMetadata('mcp_'),
      memory: anyMetadata('memory_'),
      'tools of the provider': metadata('provider_tool_calls'),
      'content elsewhere': metadata('content_refs'),
    },
  ],
];

export function conventionsDocument(): string {
  const recorded = readRecorded();
  const datapoints = recorded.flatMap((recording) => recording.datapoints);
  const names = [...new Set(datapoints.map(conventionOf))].sort();
  const tables = TABLES.map(([title, fields]) => {
    const rows = names.map((name) => {
      const own = datapoints.filter((datapoint) => conventionOf(datapoint) === name);
      return [
        `\`${name}\``,
        ...Object.values(fields).map((find) => kinds(own.filter((datapoint) => isSaid(find(datapoint))))),
      ];
    });
    return `## ${title}\n\n${table(['Vocabulary', ...Object.keys(fields)], rows)}`;
  });
  return `${[INTRODUCTION, ...tables, `## Recordings\n\n${RECORDINGS_INTRODUCTION}\n\n${recordingsTable(recorded)}`].join('\n\n')}\n`;
}

const INTRODUCTION = `# What each vocabulary fills in

\`npm run coverage-matrix\` writes this file from the recorded spans in \`test/fixtures/spans\` and the datapoints that the
tests expect from them. A letter means that a log of that kind has the field in at least one recording: **M**odel,
**T**ool, **A**gent, **G**eneric. A cell is empty if no recording has the field: the instrumentation does not report it,
or no recording covers it.

A span may use several vocabularies. It counts for the most specific one, which decides the kind of the log and is kept
as \`metadata.convention\`; the others fill in what it does not say. Every log has a project, a session, a reference, a
source, a config, inputs, its start, and \`span_name\`, \`scope\` and \`trace_id\` in its metadata.

A trace without the id of a session is a session of its own. What stands for no id is none, of a session and of a user:
words for nothing (\`none\`, \`null\`, \`unknown\`, \`-\`), \`default\`, \`-1\`, and a UUID of zeros. Ids that an app may have chosen
stay as they are, such as \`0\`, \`1\`, \`anonymous\` and \`test\`: if all users of an app have the same, their traces are one
session.`;

const RECORDINGS_INTRODUCTION = `Each run has one file. For \`manual-spec\` the package is the SDK that created the spans, if one did; their attributes
are written by hand, from published specifications and sources. The spans of \`reports\` are written by hand after
public bug reports.`;

function readRecorded(): Recorded[] {
  return readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.expected.json') && existsSync(RECORDINGS + recordingOf(file)))
    .sort()
    .map((file) => ({
      folder: file.split('/')[0] as string,
      packages: readJson<{ packages?: Record<string, string> }>(recordingOf(file)).packages ?? {},
      datapoints: readJson<Datapoint[]>(file),
    }));
}

function recordingOf(expectedFile: string): string {
  return expectedFile.replace(/\.expected\.json$/, '.json');
}

function readJson<Content>(file: string): Content {
  return JSON.parse(readFileSync(RECORDINGS + file, 'utf8')) as Content;
}

function conventionOf({ metadata: { convention } }: Datapoint): string {
  return String(convention);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

function kinds(datapoints: readonly Datapoint[]): string {
  return Object.entries(LETTERS)
    .filter(([kind]) => datapoints.some(({ config }) => config['type'] === kind))
    .map(([, letter]) => letter)
    .join('');
}

function recordingsTable(recorded: readonly Recorded[]): string {
  const folders = [...new Set(recorded.map(({ folder }) => folder))];
  const rows = folders.map((folder) => {
    const own = recorded.filter((recording) => recording.folder === folder);
    const versions = new Map<string, Set<string>>();
    for (const { packages } of own) {
      for (const [name, version] of Object.entries(packages)) {
        versions.set(name, (versions.get(name) ?? new Set()).add(version));
      }
    }
    const packages = [...versions].sort().map(([name, seen]) => `${name} ${[...seen].sort().join(', ')}`);
    return [`\`${folder}\``, String(own.length), packages.join('; ')];
  });
  return table(['Folder', 'Runs', 'Packages'], rows);
}
