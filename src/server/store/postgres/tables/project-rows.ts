/** The rows of projects, whose names an index has to take. */
import type pg from 'pg';
import { newIdentifier } from '../../identifiers.ts';
import { RejectedFieldError } from '../../rejected-item.ts';
import { codeOf, type Row } from './connection.ts';
import { nextTimestamp } from './identifiers.ts';

const TOO_LARGE = '54000';
/** Of what the index takes of a name; it takes longer ones that it can pack. */
const MAX_NAME_BYTES = 2_600;
const SHOWN_CHARACTERS = 60;

export interface Project {
  readonly key: number;
  readonly id: string;
  readonly name: string;
}

/** Resolves to `undefined` if the name is taken. */
export async function insertProject(
  connection: pg.ClientBase | pg.Pool,
  name: string,
  field: string,
): Promise<Project | undefined> {
  const insert = connection.query<Row>(
    `INSERT INTO projects (id, name, created_at, updated_at) VALUES ($1, $2, $3, $3)
     ON CONFLICT (name) DO NOTHING RETURNING key, id, name`,
    [newIdentifier('pr'), name, nextTimestamp()],
  );
  return (await withProjectName(field, name, insert)).rows[0] as Project | undefined;
}

/** For a write of the name of a project: rejects with a `RejectedFieldError` where the index of names does not take it. */
export async function withProjectName<Result>(field: string, name: string, write: Promise<Result>): Promise<Result> {
  try {
    return await write;
  } catch (error) {
    if (codeOf(error) !== TOO_LARGE) throw error;
    const shown = JSON.stringify(`${name.slice(0, SHOWN_CHARACTERS)}…`);
    throw new RejectedFieldError(field, `the name of the project ${shown} is too long: ${MAX_NAME_BYTES} bytes fit`);
  }
}
