/** Bodies in blocks: what they hold, and what they keep in memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { ByteBody, bodyText, isSameOutput, outputText } from '../../src/datapoint/body.ts';

const BODY_BYTES = 4_000;

function createBody(text: string, output?: string): ByteBody {
  const json = Buffer.from(JSON.stringify({ text }));
  const bytes = Buffer.concat([json, Buffer.from(output === undefined ? '' : JSON.stringify(output))]);
  return new ByteBody(bytes, bytes.length, json.length, json.length, output === undefined ? 0 : bytes.length);
}

it('has its text and its output, whatever its size, also when others of its block are let go', () => {
  const bodies = Array.from({ length: 300 }, (_, index) =>
    createBody(`é${index}`.repeat(index * 10), `out “${index}”`),
  );
  for (const [index, body] of bodies.entries()) if (index % 7 > 0) body.release();
  for (const [index, body] of bodies.entries()) {
    expect(JSON.parse(bodyText(body))).toEqual({ text: `é${index}`.repeat(index * 10) });
    expect(outputText(body.output)).toBe(`out “${index}”`);
  }
});

it('knows that an output is the same in either form', () => {
  expect(isSameOutput(createBody('a', 'x').output, createBody('b', 'x').output)).toBe(true);
  expect(isSameOutput(createBody('a', 'x').output, 'x')).toBe(true);
  expect(isSameOutput(createBody('a', 'x').output, 'y')).toBe(false);
  expect(isSameOutput(createBody('a').output, undefined)).toBe(true);
});

it('keeps hardly more in memory than the bodies that are stuck', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const stuck: ByteBody[] = [];
  for (let index = 0; index < 8_000; index++) {
    const body = createBody('x'.repeat(BODY_BYTES));
    if (index % 40 === 0) stuck.push(body);
    else body.release();
  }
  // Node frees the memory of buffers some time after they are collected.
  const kept = () => {
    collect();
    return process.memoryUsage().arrayBuffers - before;
  };
  await expect.poll(kept).toBeLessThan(3 * stuck.length * BODY_BYTES);
  for (const body of stuck) expect(body.text).toContain('xxx');
});
