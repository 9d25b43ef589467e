/**
 * A statement as the driver sends it, with less work for the driver: its own `query` copies a statement property by
 * property into an object of another kind, and asks for the columns of an answer each time, whose names and types it then
 * reads and puts together again. Of sending a small statement, the copy alone is a third. Statements name the columns that
 * they return, so that these stay the same, also where a pooler prepares a statement again.
 */
import type pg from 'pg';

interface Given {
  text: string;
  values?: readonly unknown[] | undefined;
  name?: string | undefined;
  query_timeout?: number | undefined;
}

type Settle = (error: unknown, result: pg.QueryResult<Record<string, unknown>>) => void;

/** What the driver has of a query. */
interface DriverQuery extends Given {
  callback?: Settle;
  _result: DriverResult;
  /** Set where the answer has columns. */
  _accumulateRows?: unknown;
  prepare(connection: DriverConnection): void;
  handleCommandComplete(message: unknown, connection: DriverConnection): void;
}

/** The columns of an answer, as the driver keeps them, and the rest of the answer. */
type DriverResult = Columns & Pick<pg.QueryResult, 'rows' | 'command' | 'rowCount' | 'oid' | 'fields'>;
type Columns = Readonly<Record<string, unknown>>;

interface DriverConnection {
  describe(message: object): void;
}

/** What is known of a connection. */
interface Known {
  /** Of statements that are prepared in it, by name. They never change: PostgreSQL refuses such a statement then. */
  readonly columns: Map<string, Columns>;
  /** The same connection, but that it does not ask for columns. */
  readonly silent: DriverConnection;
}

const connections = new WeakMap<DriverConnection, Known>();

function knownOf(connection: DriverConnection): Known {
  let known = connections.get(connection);
  if (!known) {
    known = { columns: new Map(), silent: Object.create(connection, { describe: { value: () => {} } }) };
    connections.set(connection, known);
  }
  return known;
}

type DriverQueryClass = new (text: string) => DriverQuery;

/** Returns a function that makes what a client takes in place of a statement. */
export function createQueries({ Query }: typeof pg): (statement: Readonly<Given>, settle: Settle) => pg.Submittable {
  class SentQuery extends (Query as unknown as DriverQueryClass) {
    /** Where the columns of the answer are to be noted. */
    #noting: Known | undefined;

    constructor({ text, values, name, query_timeout: timeoutMillis }: Readonly<Given>, settle: Settle) {
      // Of a text, the driver makes no copy.
      super(text);
      this.values = values;
      this.name = name;
      this.query_timeout = timeoutMillis;
      this.callback = settle;
    }

    override prepare(connection: DriverConnection): void {
      const known = this.name === undefined ? undefined : knownOf(connection);
      const columns = known?.columns.get(this.name!);
      if (!columns) {
        this.#noting = known;
        super.prepare(connection);
        return;
      }
      Object.assign(this._result, columns);
      this._accumulateRows = true;
      super.prepare(known!.silent);
    }

    override handleCommandComplete(message: unknown, connection: DriverConnection): void {
      // A driver that keeps them elsewhere is asked for them each time.
      if (this.#noting && (this._accumulateRows || this._result.fields.length === 0)) {
        const { rows, command, rowCount, oid, ...columns } = this._result;
        this.#noting.columns.set(this.name!, columns);
      }
      super.handleCommandComplete(message, connection);
    }
  }
  return (statement, settle) => new SentQuery(statement, settle) as unknown as pg.Submittable;
}
