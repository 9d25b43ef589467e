/** The config: its parameters as a table, its tools with their schemas, the rest as JSON. */
import type { LogResponse } from '../../wire/v4.ts';
import { toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { LongText } from '../parts/long-text.tsx';
import { isObject } from './json.ts';

type JsonObject = Record<string, unknown>;

export function ConfigView({ log }: { log: LogResponse }) {
  if (!log.config) return <p class="dim">No config was logged.</p>;
  const { model_config: model, ...config } = log.config as JsonObject;
  return (
    <>
      <Parameters title="Config" values={config} />
      {isObject(model) && <Parameters title="Model" values={model} />}
    </>
  );
}

function Parameters({ title, values }: { title: string; values: JsonObject }) {
  const { tools, chat_template: chat, prompt_template: prompt, other, ...plain } = values;
  const atoms = Object.entries(plain).filter(([, value]) => typeof value !== 'object' || value === null);
  const rest = Object.fromEntries(
    Object.entries(plain).filter(([, value]) => typeof value === 'object' && value !== null),
  );
  return (
    <>
      <h3>{title}</h3>
      <dl class="parameters">
        {atoms.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? <LongText text={value} /> : String(value)}</dd>
          </div>
        ))}
      </dl>
      {typeof prompt === 'string' && (
        <>
          <h3>Prompt template</h3>
          <LongText text={prompt} />
        </>
      )}
      {chat !== undefined && (
        <>
          <h3>Chat template</h3>
          <JsonView value={chat} />
        </>
      )}
      {Object.keys(rest).length > 0 && <JsonView value={rest} />}
      {Array.isArray(tools) && tools.length > 0 && (
        <>
          <h3>
            Tools <span class="dim">{tools.length}</span>
          </h3>
          {tools.filter(isObject).map((tool, index) => (
            <Tool key={index} tool={tool} />
          ))}
        </>
      )}
      {other !== undefined && (
        <>
          <h3>Other</h3>
          <JsonView value={other} />
        </>
      )}
    </>
  );
}

function Tool({ tool }: { tool: JsonObject }) {
  const { name, description, ...rest } = tool;
  return (
    <div class="tool-card">
      <p class="tool-name">
        <Icon name="tool" class="type-tool" />
        <bdi>{toVisibleText(String(name ?? 'tool'))}</bdi>
      </p>
      {typeof description === 'string' && <LongText text={description} />}
      {Object.keys(rest).length > 0 && <JsonView value={rest} />}
    </div>
  );
}
