import { expect, test } from 'vitest';
import { acceptsGzip } from '../../../src/server/http/accept-encoding.ts';

test.each([
  'gzip',
  'GZIP',
  'x-gzip',
  'br, gzip',
  'gzip;q=0.1',
  'gzip ; Q=1.000 , br',
  '*',
  'br;q=1, *;q=0.5',
  'gzip;q=0.5, *;q=0',
  'identity;q=0.5, gzip',
  'identity, gzip',
  'identity;q=0, gzip;q=0.1',
])('%j takes gzip', (header) => {
  expect(acceptsGzip(header)).toBe(true);
});

test.each([
  undefined,
  '',
  'br',
  'identity',
  'gzip;q=0',
  'gzip; q=0.000',
  'GZIP;Q=0, *',
  '*;q=0',
  'identity, gzip;q=0.5',
  'identity, *;q=0.1',
  'gzip;q=0.5, *',
  'gzip;q=high',
  'gzipped',
  'not-gzip',
])('%j does not', (header) => {
  expect(acceptsGzip(header)).toBe(false);
});
