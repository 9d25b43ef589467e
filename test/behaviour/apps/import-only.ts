/** Imports the package and sets it up without any configuration. */
const before = process.getActiveResourcesInfo().length;
const forbidden = (name: string) => () => {
  throw new Error(`${name} at import`);
};
const { setTimeout: timeout, setInterval: interval, setImmediate: immediate, fetch } = globalThis;
Object.assign(globalThis, {
  setTimeout: forbidden('setTimeout'),
  setInterval: forbidden('setInterval'),
  setImmediate: forbidden('setImmediate'),
  fetch: forbidden('fetch'),
});
const { HumanloopSpanProcessor, HumanloopSpanExporter, HumanloopLogs } = await import('humanloop-otel');
new HumanloopLogs();
new HumanloopSpanExporter();
const processor = new HumanloopSpanProcessor();
Object.assign(globalThis, { setTimeout: timeout, setInterval: interval, setImmediate: immediate, fetch });
console.log(process.getActiveResourcesInfo().length - before, JSON.stringify(processor.stats().dropped));
