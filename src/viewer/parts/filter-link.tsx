/** A value that leads to the list of all sessions that have it. */
import type { ComponentChildren } from 'preact';
import { addressOf, followInPage } from '../state/address.ts';
import type { Filters, ViewLocation } from '../state/view-location.ts';

export function FilterLink({ filters, children }: { filters: Filters; children: ComponentChildren }) {
  const to: ViewLocation = { page: 'sessions', filters };
  return (
    <a
      class="filter-link"
      href={addressOf(to)}
      title="All sessions with this"
      onClick={(event) => followInPage(event, to)}
    >
      <bdi>{children}</bdi>
    </a>
  );
}
