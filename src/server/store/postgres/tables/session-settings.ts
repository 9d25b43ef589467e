/**
 * What the statements rely on, whatever is set in the database or for its user. It is sent when a connection is made, which
 * counts more than both. A pooler keeps only some of it for each client: the rest is then looked at when the server starts.
 */
import type pg from 'pg';
import { HumanloopError } from '../../../../errors.ts';

/** Poolers keep these. In another form some times could not be told from others, or not be written again. */
const OF_TIMES = { TimeZone: 'UTC', DateStyle: 'ISO' };
/** Turns see what others have committed meanwhile, and numbers are read as they were written. */
const OTHERS = { default_transaction_isolation: 'read committed', extra_float_digits: '1' };

/** The driver sends few settings by itself. These count more than `options` in the address. */
export function withSettings(Client: typeof pg.Client, isPooled: boolean): typeof pg.Client {
  const settings = isPooled ? OF_TIMES : { ...OF_TIMES, ...OTHERS };
  return class extends (Client as unknown as StartingClient) {
    override getStartupConf(): Record<string, string> {
      return { ...settings, ...super.getStartupConf() };
    }
  } as unknown as typeof pg.Client;
}

/** For a transaction. Before PostgreSQL 17, `transaction_timeout` is not known, and cannot be named in a SET. */
export const NO_LIMITS = `SELECT set_config(name, '0', true) FROM pg_settings
  WHERE name IN ('statement_timeout', 'transaction_timeout')`;

/** For what cannot be done within a transaction. */
export async function withoutLimits(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  const set = (value: string) =>
    client.query(`SELECT set_config(name, ${value}, false) FROM pg_settings
      WHERE name IN ('statement_timeout', 'transaction_timeout')`);
  await set(`'0'`);
  try {
    await work();
  } finally {
    await set('reset_val');
  }
}

type StartingClient = new (...parameters: unknown[]) => { getStartupConf(): Record<string, string> };

/** @throws {HumanloopError} with the remedy, where the connection has others. */
export async function checkSettings(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string; wanted: string; found: string }>(
    `SELECT name, wanted, setting AS found FROM pg_settings
      JOIN unnest($1::text[], $2::text[]) AS settings (name, wanted) USING (name)
      WHERE CASE name WHEN 'extra_float_digits' THEN setting::int < 1 ELSE NOT starts_with(setting, wanted) END`,
    [
      ['DateStyle', ...Object.keys(OTHERS)],
      [OF_TIMES.DateStyle, ...Object.values(OTHERS)],
    ],
  );
  const [unfit] = rows;
  if (!unfit) return;
  const { name, wanted, found } = unfit;
  throw new HumanloopError(
    `the database must have the setting ${name} = '${wanted}', not '${found}': ALTER ROLE … SET ${name} TO '${wanted}'`,
  );
}
