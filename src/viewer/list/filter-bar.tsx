/** The filters of the list. Each choice is in the address. */
import { useEffect, useState } from 'preact/hooks';
import type { SessionFilters } from '../../server/store/viewer-store.ts';
import { toVisibleText } from '../parts/format.ts';
import { navigate } from '../state/address.ts';
import { request } from '../state/api.ts';
import type { Subscribe } from '../state/live-source.ts';
import type { FilterName, Filters } from '../state/view-location.ts';

const NONE: SessionFilters = { projects: [], models: [], types: [], feedback: [] };
const TIMES: readonly [value: string, label: string][] = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
];
const REFRESH_MILLIS = 2_000;

export function FilterBar({ filters, subscribe }: { filters: Filters; subscribe: Subscribe }) {
  const [known, setKnown] = useState(NONE);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = () => {
      timer = undefined;
      request<SessionFilters>('/viewer/api/filters').then(setKnown, () => {});
    };
    load();
    const stop = subscribe(() => {
      timer ??= setTimeout(load, REFRESH_MILLIS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [subscribe]);

  const set = (changes: Filters) => navigate({ page: 'sessions', filters: { ...filters, ...changes } });
  const choice = (name: FilterName, all: string, values: readonly string[]) => (
    <Choice
      name={name}
      all={all}
      value={filters[name]}
      options={values.map((value) => [value, toVisibleText(value)])}
      onChange={(value) => set({ [name]: value })}
    />
  );
  const isExact = filters.since !== undefined && !TIMES.some(([value]) => value === filters.since);
  const isCustom = isExact || filters.until !== undefined;
  const feedback: [string, string][] = known.feedback.map((value) => [
    value,
    value === '*' ? 'Any feedback' : toVisibleText(value),
  ]);
  return (
    <div class="filters" role="group" aria-label="Filters">
      {choice('project', 'All projects', known.projects)}
      {choice('model', 'All models', known.models)}
      {choice('type', 'All types', known.types)}
      <Choice
        name="feedback"
        all="Any or no feedback"
        value={filters.feedback}
        options={feedback}
        onChange={(value) => set({ feedback: value })}
      />
      <Choice
        name="time"
        all="Any time"
        value={isCustom ? 'custom' : filters.since}
        options={[...TIMES, ['custom', 'From … to …']]}
        onChange={(value) =>
          set({ since: value === 'custom' ? toLocalInput(Date.now() - 3_600_000) : value, until: '' })
        }
      />
      {isCustom && (
        <>
          <TimeInput label="From" value={filters.since} onChange={(since) => set({ since })} />
          <TimeInput label="To" value={filters.until} onChange={(until) => set({ until })} />
        </>
      )}
      <label class={filters.error ? 'toggle is-on' : 'toggle'}>
        <input
          type="checkbox"
          checked={filters.error === '1'}
          onChange={(event) => set({ error: event.currentTarget.checked ? '1' : '' })}
        />
        Errors only
      </label>
      {Object.keys(filters).length > 0 && (
        <button type="button" class="quiet" onClick={() => navigate({ page: 'sessions', filters: {} })}>
          Clear
        </button>
      )}
    </div>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly all: string;
  readonly value: string | undefined;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly onChange: (value: string) => void;
}

function Choice({ name, all, value = '', options, onChange }: ChoiceProps) {
  // A pasted link can name a value that no session has, or none yet.
  const isKnown = value === '' || options.some(([known]) => known === value);
  return (
    <select
      class={value === '' ? '' : 'is-on'}
      aria-label={name}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      <option value="">{all}</option>
      {!isKnown && <option value={value}>{toVisibleText(value)}</option>}
      {options.map(([option, label]) => (
        <option key={option} value={option}>
          {label}
        </option>
      ))}
    </select>
  );
}

function TimeInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value?: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <input
      type="datetime-local"
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Formats a time for `datetime-local`: in the reader's zone, and without naming it. */
function toLocalInput(millis: number): string {
  return new Date(millis - new Date(millis).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
