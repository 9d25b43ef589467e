/** What happened day by day: calls, errors, cost and latency, and the same by model. */
import { useEffect, useState } from 'preact/hooks';
import type { Overview, OverviewDay, OverviewModel, SessionFilters } from '../../server/store/viewer-store.ts';
import { formatCost, formatCount, formatSeconds, toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { SkeletonRows } from '../parts/skeleton-rows.tsx';
import { addressOf, followInPage, navigate } from '../state/address.ts';
import { request } from '../state/api.ts';
import type { Subscribe } from '../state/live-source.ts';
import type { Filters, ViewLocation } from '../state/view-location.ts';

const SPANS = ['7', '14', '30', '90'];
const REFRESH_MILLIS = 5_000;
const ROW_HEIGHT = 34;

type OverviewLocation = Extract<ViewLocation, { page: 'overview' }>;

export function OverviewPage({ location, subscribe }: { location: OverviewLocation; subscribe: Subscribe }) {
  const { project, days: span = '14' } = location;
  const [overview, setOverview] = useState<Overview>();
  const [projects, setProjects] = useState<string[]>([]);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let isWanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = () => {
      timer = undefined;
      const query = new URLSearchParams({ days: span, ...(project && { project }) });
      request<Overview>(`/viewer/api/overview?${query}`).then(
        (answer) => {
          if (!isWanted) return;
          setOverview(answer);
          setProblem('');
        },
        (error: Error) => isWanted && setProblem(error.message),
      );
    };
    load();
    request<SessionFilters>('/viewer/api/filters').then(
      (answer) => isWanted && setProjects(answer.projects),
      () => {},
    );
    const stop = subscribe(() => {
      timer ??= setTimeout(load, REFRESH_MILLIS);
    });
    return () => {
      isWanted = false;
      stop();
      clearTimeout(timer);
    };
  }, [project, span, subscribe]);

  const go = (changes: Partial<OverviewLocation>) => navigate({ ...location, ...changes });
  const named = project !== undefined && !projects.includes(project) ? [project, ...projects] : projects;
  return (
    <main class="overview-page scroll" tabIndex={0}>
      <div class="filters">
        <h1>Overview</h1>
        <span class="choice">
          <label for="overview-project">project</label>
          <select
            id="overview-project"
            value={project ?? ''}
            onChange={(event) => go({ project: event.currentTarget.value })}
          >
            <option value="">All</option>
            {named.map((name) => (
              <option key={name} value={name}>
                {toVisibleText(name)}
              </option>
            ))}
          </select>
        </span>
        <span class="choice">
          <label for="overview-days">days</label>
          <select id="overview-days" value={span} onChange={(event) => go({ days: event.currentTarget.value })}>
            {[...new Set([...SPANS, span])].map((days) => (
              <option key={days} value={days}>
                {days}
              </option>
            ))}
          </select>
        </span>
        <span class="dim">Days are those of UTC.</span>
      </div>
      {problem && (
        <p role="alert" class="problem banner">
          {problem}
        </p>
      )}
      {!overview && !problem && <SkeletonRows height={ROW_HEIGHT} />}
      {overview?.days.length === 0 && <p class="loading">Nothing was logged in these days.</p>}
      {overview && overview.days.length > 0 && (
        <>
          <DayTable days={overview.days} {...(project && { project })} />
          <h2>By model</h2>
          <ModelTable models={overview.models} {...(project && { project })} />
        </>
      )}
    </main>
  );
}

function DayTable({ days, project }: { days: readonly OverviewDay[]; project?: string }) {
  const most = Math.max(...days.map(({ logs }) => logs));
  return (
    <table class="counts">
      <thead>
        <tr>
          <th scope="col">Day</th>
          <th scope="col" class="count-bar">
            <span class="hidden">Share of the busiest day</span>
          </th>
          <th scope="col">Logs</th>
          <th scope="col">Calls</th>
          <th scope="col">Errors</th>
          <th scope="col">p50</th>
          <th scope="col">p95</th>
          <th scope="col">Tokens</th>
          <th scope="col">Cost</th>
        </tr>
      </thead>
      <tbody>
        {days.map((day) => (
          <DayRows key={day.day} day={day} most={most} {...(project && { project })} />
        ))}
      </tbody>
    </table>
  );
}

/** The row of the day, and when it is open a row for each of its models. */
function DayRows({ day, most, project }: { day: OverviewDay; most: number; project?: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const filters = { since: `${day.day}T00:00Z`, until: `${day.day}T23:59:59.999Z`, ...(project && { project }) };
  return (
    <>
      <tr>
        <th scope="row">
          <button
            type="button"
            class="quiet square"
            aria-expanded={isOpen}
            aria-label={`Models of ${day.day}`}
            disabled={day.models.length === 0}
            onClick={() => setIsOpen(!isOpen)}
          >
            <Icon name="chevron" class={isOpen ? 'chevron is-open' : 'chevron'} />
          </button>
          <ListLink filters={filters}>{day.day}</ListLink>
        </th>
        <td class="count-bar">
          <DayBar day={day} most={most} />
        </td>
        <td>{formatCount(day.logs)}</td>
        <td>{formatCount(sum(day.models, 'calls'))}</td>
        <td>
          {day.errors > 0 ? (
            <ListLink class="error-text" filters={{ ...filters, error: '1' }}>
              {formatCount(day.errors)}
            </ListLink>
          ) : (
            <span class="dim">0</span>
          )}
        </td>
        <Latency of={day} />
        <td>{formatCount(sum(day.models, 'prompt_tokens') + sum(day.models, 'output_tokens'))}</td>
        <td>{day.cost === undefined ? '' : formatCost(day.cost)}</td>
      </tr>
      {isOpen &&
        day.models.map((model) => (
          <tr key={model.model} class="of-day">
            <th scope="row">
              <ListLink filters={{ ...filters, model: model.model }}>
                <bdi>{toVisibleText(model.model)}</bdi>
              </ListLink>
            </th>
            <td class="count-bar" />
            <td />
            <td>{formatCount(model.calls)}</td>
            <td class={model.errors > 0 ? 'error-text' : 'dim'}>{formatCount(model.errors)}</td>
            <Latency of={model} />
            <td>{formatCount(model.prompt_tokens + model.output_tokens)}</td>
            <td>{model.cost === undefined ? '' : formatCost(model.cost)}</td>
          </tr>
        ))}
    </>
  );
}

/** Logs of the day, beside those of the busiest; the part that failed is red. */
function DayBar({ day, most }: { day: OverviewDay; most: number }) {
  const width = (day.logs / most) * 100;
  return (
    <span class="day-bar" aria-hidden="true" style={{ width: `max(${width}%, 2px)` }}>
      <span class="day-errors" style={{ width: `${(day.errors / day.logs) * 100}%` }} />
    </span>
  );
}

function ModelTable({ models, project }: { models: readonly OverviewModel[]; project?: string }) {
  return (
    <table class="counts">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col">Calls</th>
          <th scope="col">Errors</th>
          <th scope="col">p50</th>
          <th scope="col">p95</th>
          <th scope="col">Tokens in</th>
          <th scope="col">Tokens out</th>
          <th scope="col">Cost</th>
          <th scope="col">Cost per call</th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <tr key={model.model}>
            <th scope="row">
              <ListLink filters={{ model: model.model, ...(project && { project }) }}>
                <bdi>{toVisibleText(model.model)}</bdi>
              </ListLink>
            </th>
            <td>{formatCount(model.calls)}</td>
            <td class={model.errors > 0 ? 'error-text' : 'dim'}>{formatCount(model.errors)}</td>
            <Latency of={model} />
            <td>{formatCount(model.prompt_tokens)}</td>
            <td>{formatCount(model.output_tokens)}</td>
            <td>{model.cost === undefined ? '' : formatCost(model.cost)}</td>
            <td>{model.cost === undefined ? '' : formatCost(model.cost / model.calls)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Latency({ of: { p50, p95 } }: { of: Pick<OverviewDay, 'p50' | 'p95'> }) {
  return (
    <>
      <td>{p50 === undefined ? '' : formatSeconds(p50)}</td>
      <td>{p95 === undefined ? '' : formatSeconds(p95)}</td>
    </>
  );
}

interface ListLinkProps {
  readonly filters: Filters;
  readonly class?: string;
  readonly children: preact.ComponentChildren;
}

function ListLink({ filters, class: className, children }: ListLinkProps) {
  const to: ViewLocation = { page: 'sessions', filters };
  return (
    <a class={className ?? ''} href={addressOf(to)} onClick={(event) => followInPage(event, to)}>
      {children}
    </a>
  );
}

function sum(models: readonly OverviewModel[], name: 'calls' | 'prompt_tokens' | 'output_tokens'): number {
  return models.reduce((total, model) => total + model[name], 0);
}
