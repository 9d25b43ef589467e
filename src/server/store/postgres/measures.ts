/** What an operator watches of this engine. Pure. */
import type pg from 'pg';
import type { StoreMeasure } from '../store.ts';
import type { Connections } from './tables/connection.ts';
import type { TurnMeasures } from './writing/write-turns.ts';

export function toMeasures({ reads, writes }: Connections, turns: TurnMeasures): StoreMeasure[] {
  const pools = Object.entries({ read: reads, write: writes });
  const ofPools = (measure: (pool: pg.Pool) => number) =>
    pools.map(([pool, of]) => ({ labels: { pool }, value: measure(of) }));
  return [
    {
      ...{ name: 'humanloop_database_connections_used', type: 'gauge' },
      help: 'Connections to the database that are in use.',
      samples: ofPools(({ totalCount, idleCount }) => totalCount - idleCount),
    },
    {
      ...{ name: 'humanloop_database_connections_max', type: 'gauge' },
      help: 'Connections to the database that this server opens at most.',
      samples: ofPools(({ options }) => options.max),
    },
    {
      ...{ name: 'humanloop_database_connections_waiting', type: 'gauge' },
      help: 'Operations that wait for a connection.',
      samples: ofPools(({ waitingCount }) => waitingCount),
    },
    {
      ...{ name: 'humanloop_write_queue_requests', type: 'gauge' },
      help: 'Requests that wait for their turn to be written.',
      samples: [{ value: turns.waiting }],
    },
    {
      ...{ name: 'humanloop_write_turns_running', type: 'gauge' },
      help: 'Transactions that write now.',
      samples: [{ value: turns.running }],
    },
    {
      ...{ name: 'humanloop_write_turns_total', type: 'counter' },
      help: 'Transactions that have written.',
      samples: [{ value: turns.done }],
    },
    {
      ...{ name: 'humanloop_write_turn_repeats_total', type: 'counter' },
      help: 'Transactions that were done again: another server was faster, or the database failed.',
      samples: [
        { labels: { reason: 'overtaken' }, value: turns.overtaken },
        { labels: { reason: 'failed' }, value: turns.failed },
      ],
    },
  ];
}
