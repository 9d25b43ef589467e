/** Whether the database can be used: reachable, with the schema of this version, and with the partitions of tomorrow. */
import type pg from 'pg';
import type { StoreReadiness } from '../store.ts';
import { StoreUnavailableError } from '../unavailable-error.ts';
import { explainPostgresError } from './explain-error.ts';
import type { Row } from './tables/connection.ts';
import { dayOf } from './tables/identifiers.ts';
import { MIGRATIONS } from './tables/schema.ts';

const TIMEOUT_MILLIS = 3_000;
const DAY_MILLIS = 86_400_000;

export async function checkReadiness(pool: pg.Pool): Promise<StoreReadiness> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<StoreReadiness>((resolve) => {
    timer = setTimeout(() => resolve(unavailable('the database does not answer')), TIMEOUT_MILLIS);
  });
  try {
    return await Promise.race([tooLate, check(pool)]);
  } catch (error) {
    const explained = explainPostgresError(error);
    const reason = explained instanceof StoreUnavailableError ? explained.reason : 'other';
    return unavailable(reason === 'refused' ? 'the database refuses the server' : 'the database is not available');
  } finally {
    clearTimeout(timer);
  }
}

async function check(pool: pg.Pool): Promise<StoreReadiness> {
  const { rows } = await pool.query<Row>(
    `SELECT (SELECT value FROM meta WHERE name = 'schema') AS schema, to_regclass($1) AS partition`,
    [`logs_p${dayOf(Date.now() + DAY_MILLIS).replaceAll('-', '')}`],
  );
  const { schema, partition } = rows[0]!;
  if (Number(schema) < MIGRATIONS.length) return unavailable('the schema is older than this server');
  if (partition === null) return unavailable('the partition of tomorrow is missing');
  return { status: 'ok' };
}

function unavailable(message: string): StoreReadiness {
  return { status: 'unavailable', message };
}
