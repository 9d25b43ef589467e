/** For tests that replace `query` of the driver's client. */
import pg from 'pg';

type Query = (this: pg.Client, ...given: unknown[]) => unknown;
type Settle = (error: unknown, result?: pg.QueryResult) => void;

/** Asks for something else than `query` was asked for. The answer is for whoever waits for the one that was asked for. */
export function askInstead(query: Query, client: pg.Client, asked: unknown, text: string): Promise<pg.QueryResult> {
  const answer = query.call(client, { text }) as Promise<pg.QueryResult>;
  const { callback } = asked as { callback?: Settle };
  if (asked instanceof pg.Query) answer.then((result) => callback!(null, result), callback);
  return answer;
}
