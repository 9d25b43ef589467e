/** The tabs that show parts of a log as they are: metadata and identity, and the whole log as JSON. */
import type { LogResponse } from '../../wire/v4.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { formatBytes } from '../parts/format.ts';
import { JsonView } from '../parts/json-view.tsx';
import { LongText } from '../parts/long-text.tsx';

export function MetadataView({ log }: { log: LogResponse }) {
  const ids = Object.fromEntries(
    (
      [
        'id',
        'reference_id',
        'parent_id',
        'parent_reference_id',
        'session_id',
        'session_reference_id',
        'project',
        'project_id',
        'trial_id',
        'source_datapoint_id',
      ] as const
    )
      .filter((name) => log[name] != null)
      .map((name) => [name, log[name]]),
  );
  return (
    <>
      <h3>Metadata</h3>
      <JsonView value={log.metadata ?? {}} />
      <h3>Identity</h3>
      <JsonView value={ids} />
      {log.stdout && (
        <>
          <h3>Standard output</h3>
          <LongText text={log.stdout} />
        </>
      )}
      {log.provider_request && (
        <>
          <h3>Request to the provider</h3>
          <JsonView value={log.provider_request} />
        </>
      )}
      {log.provider_response && (
        <>
          <h3>Response from the provider</h3>
          <JsonView value={log.provider_response} />
        </>
      )}
    </>
  );
}

export function RawView({ log }: { log: LogResponse }) {
  const text = JSON.stringify(log, null, 2);
  return (
    <>
      <p class="row-end">
        <span class="dim">{formatBytes(text.length)}</span>
        <CopyButton text={text} label="Copy the JSON" />
      </p>
      <LongText text={text} isMono />
    </>
  );
}
