/**
 * `npx tsx bench/viewer.ts [--db FILE | --database URL] [--sessions NUMBER]`: how long a reader waits for the viewer, in
 * the browser, with 100,000 sessions of 12 logs in the database while another process keeps writing.
 *
 * Not one of the scenarios of `npm run bench`: it needs Chromium, and filling its 3 GB takes minutes. An existing file,
 * or a database in which there are logs, is used again. It knows of the server only the command line and the API.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import type { SessionLogs, SessionPage } from '../src/server/store/viewer-store.ts';
import { median } from './median.ts';
import { LOGS_PER_SESSION, writeRequest } from './viewer-data.ts';

const ROUNDS = 40;
/** As many as one request of `syntheticRequest` holds a log of. */
const SESSIONS_PER_GROUP = 100;
const WRITERS = 8;
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SEARCHES = [
  'fjord',
  'session77777',
  'harbour "mountain route"',
  'ferry museum bakery',
  'RateLimitError',
  'theatre island',
  'session123',
  'nothinglikethis',
  'plann',
  'weather',
];

const { values } = parseArgs({
  options: { db: { type: 'string' }, database: { type: 'string' }, sessions: { type: 'string' } },
});
const sessions = Number(values.sessions ?? 100_000);

const place = values.database ? ['--database', values.database] : ['--db', values.db ?? '/tmp/viewer-bench/logs.db'];
const server = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'serve', '--port', '0', ...place], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => server.kill());
const [output] = (await once(server.stdout, 'data')) as [Buffer];
const url = new URL(/http:\S+/.exec(String(output))![0]).origin;
if ((await readPage('?size=1')).sessions.length === 0) await fill();
console.log(`\n${sessions.toLocaleString('en')} sessions of ${LOGS_PER_SESSION} logs\n`);
const writer = startWriting();
const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: FLAGS });
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  // Runs in the page from its beginning: asked from here, the time would include the way of the question.
  await context.addInitScript({
    content: `window.firstRow = new Promise((resolve) => {
      const look = () => document.querySelector('.session-row') ? resolve(performance.now()) : requestAnimationFrame(look);
      requestAnimationFrame(look);
    });`,
  });
  const page = await context.newPage();
  report('first row', await repeat(() => firstRow(page)));
  report('search result', await repeat((round) => searchResult(page, SEARCHES[round % SEARCHES.length]!)));
  report('open a session', await repeat((round) => openSession(page, round)));
  report('open a log', await repeat((round) => openLog(page, round)));
  report('page at the top of the list', await repeat(() => fetchApi('sessions')));
  const end = await lastCursor();
  report('page at its end', await repeat(() => fetchApi(`sessions?cursor=${encodeURIComponent(end)}`)));
  report('page of a rare filter', await repeat(() => fetchApi('sessions?error=1')));
  report('page of a common filter', await repeat(() => fetchApi('sessions?model=gpt-4o&type=tool')));
  report(
    'page of a search',
    await repeat((round) => fetchApi(`sessions?q=${encodeURIComponent(SEARCHES[round % SEARCHES.length]!)}`)),
  );
  const shown = (await readPage(`?size=${ROUNDS}`)).sessions.map(({ id }) => id);
  report('logs of a session', await repeat((round) => fetchApi(`sessions/${shown[round]}`)));
  const logs = await Promise.all(shown.map(readLastLog));
  report('a log', await repeat((round) => fetchApi(`logs/${logs[round]}`)));
  console.log(
    `\n${writer.count()} requests of 100 logs were written meanwhile, median ${median(writer.times).toFixed(0)} ms`,
  );
} finally {
  writer.stop();
  await browser.close();
  server.kill();
}

/**
 * Resolves when everything that was written can be found: SQLite indexes behind the answer, so when its server reports no
 * changes any more; in PostgreSQL the words are in the log's own transaction.
 */
async function fill(): Promise<void> {
  const start = performance.now();
  const say = (text: string) => console.log(`${text}, ${((performance.now() - start) / 1000).toFixed(0)} s`);
  const groups = Math.ceil(sessions / SESSIONS_PER_GROUP);
  let group = 0;
  const writeGroups = async () => {
    while (group < groups) {
      const first = group++ * LOGS_PER_SESSION;
      if (group % 100 === 0) say(`${group} of ${groups} groups of ${SESSIONS_PER_GROUP} sessions`);
      for (let step = 0; step < LOGS_PER_SESSION; step += 1) await writeRequest(url, first + step);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writeGroups));
  if (values.database) return;
  const readVersion = async () => (await readPage('?size=1')).version;
  let version = await readVersion();
  for (let before = -1; version !== before; ) {
    say('indexing');
    before = version;
    await sleep(5_000);
    version = await readVersion();
  }
}

/** Writes more sessions, in a process of its own so that it does not delay the one that measures. */
function startWriting() {
  const times: number[] = [];
  // Sessions that neither the fill nor an earlier run has written.
  const index =
    (Math.ceil(sessions / SESSIONS_PER_GROUP) + (Math.floor(Date.now() / 1000) % 1_000_000)) * LOGS_PER_SESSION;
  const writer = fork(new URL('viewer-writer.ts', import.meta.url), [url, String(index)]);
  writer.on('message', (millis: number) => times.push(millis));
  return { times, count: () => times.length, stop: () => writer.kill() };
}

/** From the start of the navigation to the frame with the first row, in the browser's own time. */
async function firstRow(page: Page): Promise<number> {
  await page.goto(`${url}/`, { waitUntil: 'commit' });
  return (await page.evaluate('window.firstRow')) as number;
}

/** From the last key to the rows that answer it. */
async function searchResult(page: Page, text: string): Promise<number> {
  await page.evaluate(`(() => {
    const input = document.querySelector('input[type=search]');
    input.value = ${JSON.stringify(text)};
    window.start = performance.now();
    input.dispatchEvent(new Event('input', { bubbles: true }));
  })()`);
  const done = `location.search.includes('q=') && (document.querySelector('[aria-busy=false]') || document.querySelector('.empty')) && decodeURIComponent(location.search.replaceAll('+', ' ')).endsWith(${JSON.stringify(text)})`;
  return (await page.evaluate(whenTrue(done))) as number;
}

/** From the click to the tree. */
async function openSession(page: Page, round: number): Promise<number> {
  await page.goto(`${url}/`);
  await page.locator('.session-row').first().waitFor();
  await page.evaluate(
    `window.start = performance.now(); document.querySelectorAll('.session-row a[href^="/sessions/"]')[${round % 12}].click()`,
  );
  return (await page.evaluate(whenTrue(`document.querySelector('.is-log')`))) as number;
}

/** From the click on one of a session's calls to its details. */
async function openLog(page: Page, round: number): Promise<number> {
  await openSession(page, round);
  await page.evaluate(`window.start = performance.now(); document.querySelector('.tree-row.is-log').click()`);
  return (await page.evaluate(whenTrue(`document.querySelector('.log-part')`))) as number;
}

/** From the request to the last byte of the answer, without a browser. */
async function fetchApi(path: string): Promise<number> {
  const start = performance.now();
  await (await fetch(`${url}/viewer/api/${path}`)).arrayBuffer();
  return performance.now() - start;
}

async function readLastLog(session: string): Promise<string> {
  const { logs } = (await (await fetch(`${url}/viewer/api/sessions/${session}`)).json()) as SessionLogs;
  return logs.at(-1)!.id;
}

async function readPage(query: string): Promise<SessionPage> {
  return (await (await fetch(`${url}/viewer/api/sessions${query}`)).json()) as SessionPage;
}

/** The cursor of the last page, found by reading all pages. */
async function lastCursor(): Promise<string> {
  let last = '';
  for (let next: string | null = ''; next !== null; ) {
    last = next;
    const cursor: string = next === '' ? '' : `&cursor=${encodeURIComponent(next)}`;
    next = (await readPage(`?size=200${cursor}`)).next;
  }
  return last;
}

function whenTrue(condition: string): string {
  return `new Promise((resolve) => {
    const look = () => ${condition} ? resolve(performance.now() - window.start) : requestAnimationFrame(look);
    look();
  })`;
}

async function repeat(measure: (round: number) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await measure(round));
  return times;
}

function report(what: string, times: number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const figures = {
    median: median(times),
    p95: sorted[Math.ceil(0.95 * sorted.length) - 1]!,
    worst: sorted.at(-1)!,
    first: times[0]!,
  };
  const texts = Object.entries(figures).map(([name, millis]) => `${name} ${millis.toFixed(0).padStart(5)} ms`);
  console.log(`${what.padEnd(28)} ${texts.join('   ')}`);
}
