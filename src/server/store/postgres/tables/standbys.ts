/**
 * Connections to a server that takes no writes: a standby, or a primary that was put aside. Each says so when it is made,
 * and when that changes. What such a server answers may be old, and the address may lead to the new primary by now.
 */
import type pg from 'pg';

const REPORTED = new Set(['in_hot_standby', 'default_transaction_read_only']);

/**
 * For `endStandbys`: the driver itself passes on what servers report, and keeps none of it. Not for a pooler, which may say
 * what another server has reported to it before.
 */
export function withReports(Client: typeof pg.Client): typeof pg.Client {
  return class extends (Client as unknown as ReportedClient) implements Reporting {
    readonly readOnly = new Set<string>();

    constructor(...parameters: unknown[]) {
      super(...parameters);
      this.connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
        if (!REPORTED.has(parameterName)) return;
        if (parameterValue === 'on') this.readOnly.add(parameterName);
        else this.readOnly.delete(parameterName);
      });
    }
  } as unknown as typeof pg.Client;
}

interface Reporting {
  /** Why it takes no writes. */
  readonly readOnly: ReadonlySet<string>;
}

interface Report {
  readonly parameterName: string;
  readonly parameterValue: string;
}

type ReportedClient = new (
  ...parameters: unknown[]
) => { readonly connection: { on(event: 'parameterStatus', listener: (report: Report) => void): void } };

/**
 * Ends each such connection when it is given back: what it is asked for until then is answered. Where it took writes
 * before, the others are ended too, since they hear of it only by an answer.
 */
export function endStandbys(pools: readonly pg.Pool[], onEnd: () => void): void {
  const connected = new Set<pg.PoolClient>();
  const spent = new WeakSet<pg.PoolClient>();
  const release = (client: pg.PoolClient): void => {
    if (!takesWrites(client) && !spent.has(client)) {
      for (const each of connected) spent.add(each);
      for (const pool of pools) giveBackIdle(pool);
    }
    if (!spent.has(client)) return;
    // The pool keeps none that ends.
    client.end().catch(() => {});
    onEnd();
  };
  for (const pool of pools) {
    pool.on('connect', (client) => {
      connected.add(client);
      if (!takesWrites(client)) spent.add(client);
    });
    pool.on('remove', (client) => connected.delete(client));
    pool.on('release', (_error, client) => release(client));
  }
}

function takesWrites(client: pg.PoolClient): boolean {
  return ((client as unknown as Partial<Reporting>).readOnly?.size ?? 0) === 0;
}

/** The pool lends those first that are idle. */
function giveBackIdle(pool: pg.Pool): void {
  for (let left = pool.idleCount; left > 0; left -= 1) {
    pool.connect().then(
      (client) => client.release(),
      () => {},
    );
  }
}
