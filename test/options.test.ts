/** Wrong options: which one, what was expected, what came, and no secret in between. */
import { expect, test } from 'vitest';
import { HumanloopError, HumanloopSpanExporter, HumanloopSpanProcessor } from '../src/index.ts';
import { DEFAULT_BASE_URL, resolveOptions } from '../src/options.ts';

test.each([
  [{ holdMillis: '5' }, 'option holdMillis: expected milliseconds from 0 to 2147483647, got "5"'],
  [{ holdMillis: -1 }, 'option holdMillis: expected milliseconds from 0 to 2147483647, got -1'],
  [{ timeoutMillis: Number.NaN }, 'option timeoutMillis: expected milliseconds from 0 to 2147483647, got NaN'],
  [{ concurrency: 0 }, 'option concurrency: expected a whole number of at least 1, got 0'],
  [{ batch: { maxItems: 1.5 } }, 'option batch.maxItems: expected a whole number of at least 1, got 1.5'],
  [{ queue: [] }, 'option queue: expected an object, got an array'],
  [{ retry: { minDelay: 5 } }, /^unknown option retry\.minDelay: expected one of minDelayMillis, /],
  [{ apikey: 'x' }, /^unknown option apikey: expected one of apiKey, baseUrl, .*, got a string of 1 characters$/],
  [{ project: '' }, 'option project: expected a non-empty string or a function, got ""'],
  [{ include: true }, 'option include: expected a function, got true'],
  [{ missingParent: 'drop' }, `option missingParent: expected 'stub' or 'root', got "drop"`],
  [{ captureContent: 'false' }, 'option captureContent: expected true or false, got "false"'],
  [{ conventions: [{}] }, 'option conventions: expected a list of conventions, got an array'],
  [null, 'option options: expected an object, got null'],
  ['key', /^option options: expected an object, got/],
])('%j', (options, message) => {
  for (const Class of [HumanloopSpanProcessor, HumanloopSpanExporter]) {
    const construct = () => new Class(options as never);
    expect(construct).toThrow(HumanloopError);
    expect(construct).toThrow(message);
  }
});

test.each([
  { apiKey: 42 },
  { baseUrl: 'http://user:hunter2@example.com/v4' },
  { baseUrl: 'https://example.com/v4?key=hunter2' },
  { baseUrl: 'hunter2' },
])('%j: what came is not shown', (options) => {
  expect(() => new HumanloopSpanProcessor(options as never)).toThrow(/^option (apiKey|baseUrl): expected /);
  expect(() => new HumanloopSpanProcessor(options as never)).not.toThrow(/hunter2/);
});

test('what is not given comes from the environment, then from the defaults', () => {
  const env = {
    HUMANLOOP_API_KEY: 'from-env',
    HUMANLOOP_BASE_URL: 'https://logs.example.com/v4/',
    HUMANLOOP_PROJECT: 'from-env',
    HUMANLOOP_ENVIRONMENT: '',
    HUMANLOOP_CAPTURE_CONTENT: 'false',
  };
  const options = resolveOptions({ project: 'from-code', batch: { maxItems: 7 } }, env);
  expect(options).toMatchObject({
    apiKey: 'from-env',
    baseUrl: 'https://logs.example.com/v4',
    project: 'from-code',
    environment: undefined,
    source: 'opentelemetry',
    captureContent: false,
    batch: { maxItems: 7, maxBytes: 4 * 1024 * 1024 },
  });
  expect(Object.isFrozen(options)).toBe(true);
  expect(resolveOptions({}, {}).baseUrl).toBe(DEFAULT_BASE_URL);
  expect(resolveOptions({ captureContent: true }, env).captureContent).toBe(true);
});

test.each([
  [
    'HUMANLOOP_CAPTURE_CONTENT',
    'no',
    'environment variable HUMANLOOP_CAPTURE_CONTENT: expected true or false, got "no"',
  ],
  ['HUMANLOOP_BASE_URL', 'localhost:4340', /^environment variable HUMANLOOP_BASE_URL: expected an http/],
])('%s=%s', (name, value, message) => {
  expect(() => resolveOptions({}, { [name]: value })).toThrow(message);
});

test('each option that is one value has a variable, and its value is checked like the option', () => {
  const env = {
    HUMANLOOP_SOURCE: 'ci',
    HUMANLOOP_HOLD_MILLIS: '250',
    HUMANLOOP_MISSING_PARENT: 'root',
    HUMANLOOP_BATCH_MAX_ITEMS: '10',
    HUMANLOOP_QUEUE_MAX_BYTES: '1000',
    HUMANLOOP_COMPRESSION: 'gzip',
    HUMANLOOP_RETRY_MAX_ELAPSED_MILLIS: '1',
    HUMANLOOP_SPOOL_DIRECTORY: '/var/spool/app',
    HUMANLOOP_SPOOL_MAX_AGE_MILLIS: '60000',
  };
  expect(resolveOptions({ queue: { maxItems: 5 }, holdMillis: 3 }, env)).toMatchObject({
    source: 'ci',
    holdMillis: 3,
    missingParent: 'root',
    batch: { maxItems: 10, maxBytes: 4 * 1024 * 1024 },
    queue: { maxItems: 5, maxBytes: 1000 },
    compression: 'gzip',
    retry: { minDelayMillis: 500, maxElapsedMillis: 1 },
    spool: { directory: '/var/spool/app', maxAgeMillis: 60_000, fsyncMillis: 200 },
  });
  expect(() => resolveOptions({}, { HUMANLOOP_QUEUE_MAX_ITEMS: '1.5' })).toThrow(
    'environment variable HUMANLOOP_QUEUE_MAX_ITEMS: expected a whole number of at least 1, got "1.5"',
  );
  expect(resolveOptions({}, { HUMANLOOP_SPOOL_MAX_BYTES: '5' }).spool).toBeUndefined();
});

test.each([
  [{ OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' }, 'shop'],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b, service.name = my%2Dshop ,broken,=x' }, 'my-shop'],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=%E0%A4%A' }, undefined],
  [{ OTEL_SERVICE_NAME: ' ' }, undefined],
])('the service of %j is %s', (env, name) => {
  expect(resolveOptions({}, env).serviceName).toBe(name);
});

test('an option that is given as undefined is not given', () => {
  expect(resolveOptions({ holdMillis: undefined, batch: undefined } as never, {}).holdMillis).toBe(10_000);
});

test.each([
  ['localhost:4340', 'http:// is missing: did you mean http://localhost:4340/v4?'],
  ['127.0.0.1:4340/v4', 'http:// is missing: did you mean http://127.0.0.1:4340/v4?'],
  ['logs.example.com/v4', 'https:// is missing: did you mean https://logs.example.com/v4?'],
  ['//logs.example.com', 'https:// is missing: did you mean https://logs.example.com/v4?'],
  ['user:secret@localhost:4340', 'http:// is missing at its beginning'],
  ['hl_sk_secret', 'http:// is missing at its beginning'],
  ['ftp://user:secret@host', 'it begins with ftp://'],
  ['http://user:secret@host/v4', 'it has credentials: remove them, and set apiKey or HUMANLOOP_API_KEY'],
  ['http://host/v4?key=secret', 'it has a query: remove the ? and what follows'],
  ['http://host/v4#secret', 'it has a fragment: remove the # and what follows'],
  ['http://localhost:43400000/v4', 'what follows the last : of its host is not a port'],
  ['http://user:secret@host:x/v4', 'its host is not valid'],
  [' localhost:4340', 'it begins or ends with white space'],
  ['"http://localhost:4340/v4"', 'it has quotation marks around it'],
])('the address %s is refused with what is wrong with it, and without what may be secret', (baseUrl, fault) => {
  const message = `expected an http(s) address without credentials, query or fragment, got a string of ${baseUrl.length} characters: ${fault}`;
  expect(() => resolveOptions({ baseUrl }, {})).toThrow(`option baseUrl: ${message}`);
  expect(() => resolveOptions({}, { HUMANLOOP_BASE_URL: baseUrl })).toThrow(
    `environment variable HUMANLOOP_BASE_URL: ${message}`,
  );
  expect(message).not.toContain('secret');
});
