/** Checks answers by the last official description of v4, of which the fixture has what the answers must be. */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';

interface Facts {
  /** `GET /logs/{id}`; every parameter is called `id`. */
  readonly allOperations: readonly string[];
  readonly answers: Readonly<Record<string, { readonly status: number; readonly schema: object | null }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export const OFFICIAL: Facts = JSON.parse(readFileSync('test/fixtures/v4-answers.json', 'utf8'));

const ajv = new Ajv({ strict: false, allErrors: true, schemas: [{ $id: 'v4', components: OFFICIAL.components }] });
addFormats.default(ajv);
const compiled = new Map<object, ValidateFunction>();

function validate(schema: object, body: unknown): string[] {
  const known = compiled.get(schema);
  const check = known ?? ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"v4#/components')));
  compiled.set(schema, check);
  return check(body) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

export interface GivenAnswer {
  readonly status: number;
  readonly body?: unknown;
}

/** Expects the success that the description has for the operation, such as `GET /logs/{id}`. */
export function expectOfficial(operation: string, { status, body }: GivenAnswer): void {
  const official = OFFICIAL.answers[operation]!;
  expect(official, operation).toBeDefined();
  expect(status, `${operation}: ${JSON.stringify(body)?.slice(0, 500)}`).toBe(official.status);
  expect(official.schema ? validate(official.schema, body) : [], operation).toEqual([]);
}

const FAULT = { $ref: '#/components/schemas/HTTPValidationError' };

export function expectOfficialFault({ status, body }: GivenAnswer): void {
  expect(status).toBe(422);
  expect(validate(FAULT, body)).toEqual([]);
}
