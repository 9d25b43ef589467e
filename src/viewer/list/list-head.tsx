/** The heads of the list's columns: those that it can be sorted by are buttons. */
import { navigate } from '../state/address.ts';
import type { Filters } from '../state/view-location.ts';

export function ListHead({ filters }: { filters: Filters }) {
  const { q, sort = '' } = filters;
  const head = (label: string, cell: string, by?: string) => {
    const isSorted = by !== undefined && by === sort && !q;
    return (
      <span role="columnheader" class={cell} {...(isSorted && { 'aria-sort': 'descending' as const })}>
        {by === undefined || q ? (
          label
        ) : (
          <button
            type="button"
            class={isSorted ? 'sort is-sorted' : 'sort'}
            title={isSorted ? 'The highest first' : 'Sort by this'}
            onClick={() => navigate({ page: 'sessions', filters: { ...filters, sort: by } })}
          >
            {label}
            {isSorted && <span aria-hidden="true"> ↓</span>}
          </button>
        )}
      </span>
    );
  };
  return (
    <div class="session-head" role="row">
      {head('Session', 'cell-text')}
      {head('Project', 'cell-project')}
      {head('User', 'cell-user')}
      {head('Logs', 'cell-number')}
      {head('Duration', 'cell-number', 'duration')}
      {head('Tokens', 'cell-tokens')}
      {head('Cost', 'cell-number cell-cost', 'cost')}
      {sort === 'started'
        ? head('Started', 'cell-age', 'started')
        : sort === 'changed'
          ? head('Last arrival', 'cell-age', 'changed')
          : head('Last activity', 'cell-age', '')}
    </div>
  );
}
