/** The filters of the list. Each choice is in the address. */
import { useEffect, useState } from 'preact/hooks';
import type { SessionFilters } from '../../server/store/viewer-store.ts';
import { fromLocalInput, toLocalInput, toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { navigate } from '../state/address.ts';
import { request } from '../state/api.ts';
import type { Subscribe } from '../state/live-source.ts';
import type { FilterName, Filters } from '../state/view-location.ts';

const NONE: SessionFilters = { projects: [], models: [], types: [], feedback: [], environments: [] };
type Options = readonly (readonly [value: string, label: string])[];
const TIMES: Options = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
];
const DURATIONS: Options = [
  ['1', '1 s or more'],
  ['5', '5 s or more'],
  ['10', '10 s or more'],
  ['30', '30 s or more'],
  ['60', '1 min or more'],
  ['300', '5 min or more'],
];
const SORTS: Options = [
  ['started', 'Start'],
  ['changed', 'Last arrival'],
  ['duration', 'Longest'],
  ['cost', 'Highest cost'],
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
  const choice = (name: FilterName, label: string, options: Options, all = 'All') => (
    <Choice
      name={label}
      all={all}
      value={filters[name]}
      options={options}
      onChange={(value) => set({ [name]: value })}
    />
  );
  const isExact = filters.since !== undefined && !TIMES.some(([value]) => value === filters.since);
  const isCustom = isExact || filters.until !== undefined;
  const feedback = known.feedback.map(
    (value) => [value, value === '*' ? 'With feedback' : toVisibleText(value)] as const,
  );
  const hasEnvironments = known.environments.length > 0 || filters.environment !== undefined;
  return (
    <div class="filters" role="group" aria-label="Filters">
      {choice('project', 'project', toOptions(known.projects))}
      {choice('model', 'model', toOptions(known.models))}
      {choice('type', 'type', toOptions(known.types))}
      {hasEnvironments && choice('environment', 'environment', toOptions(known.environments))}
      {choice('feedback', 'feedback', feedback)}
      {choice('min_duration', 'duration', DURATIONS, 'Any')}
      <Choice
        name="time"
        all="Any"
        value={isCustom ? 'custom' : filters.since}
        options={[...TIMES, ['custom', 'From … to …']]}
        onChange={(value) => {
          const since = value === 'custom' ? `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 16)}Z` : value;
          set({ since, until: '' });
        }}
      />
      {isCustom && (
        <>
          <TimeInput label="From" value={filters.since} onChange={(since) => set({ since })} />
          <TimeInput label="To" value={filters.until} onChange={(until) => set({ until })} />
        </>
      )}
      {filters.user !== undefined && (
        <button type="button" class="choice is-on" onClick={() => set({ user: '' })} title="Show all users">
          <span>user</span> <bdi>{toVisibleText(filters.user)}</bdi> <Icon name="close" title="remove" />
        </button>
      )}
      <label class={filters.error ? 'toggle is-on' : 'toggle'}>
        <input
          type="checkbox"
          checked={filters.error === '1'}
          onChange={(event) => set({ error: event.currentTarget.checked ? '1' : '' })}
        />
        Errors only
      </label>
      {!filters.q && choice('sort', 'order', SORTS, 'Last activity')}
      {Object.keys(filters).length > 0 && (
        <button type="button" class="quiet" onClick={() => navigate({ page: 'sessions', filters: {} })}>
          Clear
        </button>
      )}
    </div>
  );
}

function toOptions(values: readonly string[]): Options {
  return values.map((value) => [value, toVisibleText(value)]);
}

interface ChoiceProps {
  readonly name: string;
  readonly all: string;
  readonly value: string | undefined;
  readonly options: Options;
  readonly onChange: (value: string) => void;
}

function Choice({ name, all, value = '', options, onChange }: ChoiceProps) {
  // A pasted link can name a value that no session has, or none yet.
  const isKnown = value === '' || options.some(([known]) => known === value);
  const id = `filter-${name}`;
  return (
    <span class={value === '' ? 'choice' : 'choice is-on'}>
      <label for={id}>{name}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{all}</option>
        {!isKnown && <option value={value}>{toVisibleText(value)}</option>}
        {options.map(([option, label]) => (
          <option key={option} value={option}>
            {label}
          </option>
        ))}
      </select>
    </span>
  );
}

interface TimeInputProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string) => void;
}

function TimeInput({ label, value = '', onChange }: TimeInputProps) {
  return (
    <input
      type="datetime-local"
      aria-label={label}
      value={toLocalInput(value)}
      onChange={(event) => onChange(fromLocalInput(event.currentTarget.value))}
    />
  );
}
