import { parentPort } from 'node:worker_threads';
import { createMapping, type Wire } from './mapping.ts';

const map = await createMapping();
parentPort?.on('message', (wires: Wire[]) => {
  const { buffer, byteOffset, byteLength } = map(wires);
  const body = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  parentPort?.postMessage(body, [body]);
});
