import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer } from '../../src/server/index.ts';
import { createPrivateDirectory } from '../../src/sqlite/private-directory.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';

const ignored = (...path: string[]) =>
  existsSync(join(...path, '.gitignore')) ? readFileSync(join(...path, '.gitignore'), 'utf8') : undefined;

test("the server's own folder is not for git, nor for other users", async () => {
  const app = temporaryDirectory();
  const server = await startServer({ port: 0, file: join(app, '.humanloop', 'logs.db') });
  await server.close();
  expect(ignored(app, '.humanloop')).toBe('*\n');
  expect(ignored(app)).toBeUndefined();
  expect(statSync(join(app, '.humanloop')).mode & 0o777).toBe(0o700);
});

test('a folder that was there, or that has another name, is left as it is', async () => {
  const app = temporaryDirectory();
  mkdirSync(join(app, '.humanloop'));
  for (const folder of ['.humanloop', 'data', join('data', 'logs')]) {
    const server = await startServer({ port: 0, file: join(app, folder, 'logs.db') });
    await server.close();
    expect([folder, ignored(app, folder)]).toEqual([folder, undefined]);
  }
});

test('a spool has a folder of its own, whatever its name', () => {
  const app = temporaryDirectory();
  createPrivateDirectory(join(app, 'var', 'spool'), { isOwn: true });
  expect([ignored(app, 'var'), ignored(app, 'var', 'spool')]).toEqual([undefined, '*\n']);
});

test('the first spool below .humanloop hides the database that comes later, too', () => {
  const app = temporaryDirectory();
  createPrivateDirectory(join(app, '.humanloop', 'spool'), { isOwn: true });
  createPrivateDirectory(join(app, '.humanloop'));
  expect(ignored(app, '.humanloop')).toBe('*\n');
});

test('a path that ends in a slash, or below a new folder, is known too', () => {
  const app = temporaryDirectory();
  createPrivateDirectory(`${join(app, 'new', '.humanloop')}/`);
  expect(ignored(app, 'new', '.humanloop')).toBe('*\n');
});

test.skipIf(!existsSync('/proc'))('a folder that cannot be created throws at once', () => {
  // A file system that denies that the folder exists, above which there is one.
  expect(() => createPrivateDirectory('/proc/spool/of/app', { isOwn: true })).toThrow('ENOENT');
});
