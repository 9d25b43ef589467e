/**
 * A tool's span, the request to an MCP server below it, and the server's span are one log, whichever vocabulary the
 * tool's span has, and however their ends and exports are cut.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../../src/index.ts';
import type { Attributes, SpanSlice } from '../../../src/otel/span-slice.ts';
import type { LogRequest } from '../../../src/wire/v4.ts';
import { toSpan } from '../../conventions/recordings.ts';
import { inVirtualTime, type VirtualTime } from '../../pipeline/virtual-time.ts';
import { StrictEndpoint } from '../../support/strict-endpoint.ts';

const network = vi.hoisted(() => ({ endpoint: undefined as unknown }));
vi.mock('../../../src/transport/http-transport.ts', () => ({ createHttpTransport: () => network.endpoint }));

interface Made {
  readonly started: SpanSlice;
  readonly span: SpanSlice;
}

interface Plan {
  readonly name: string;
  readonly scope: string;
  readonly attributes?: Attributes;
  /** What the span has from its start. */
  readonly first?: Attributes;
  readonly kind?: number;
  readonly parent?: Made | undefined;
  readonly isRemote?: boolean;
  readonly error?: string;
}

const TRACE = 'abcdef0123456789abcdef0123456789';
let count = 0;

function make({ name, scope, attributes = {}, first = {}, kind = 0, parent, isRemote = false, error }: Plan): Made {
  const spanId = String(++count).padStart(16, '0');
  const recorded = {
    name,
    kind,
    traceId: TRACE,
    spanId,
    ...(parent && { parentSpanId: parent.span.spanContext().spanId, parentIsRemote: isRemote }),
    startTime: [1_767_225_600, count * 1_000] as const,
    endTime: [1_767_225_601, 900_000_000 - count * 1_000] as const,
    duration: [1, 0] as const,
    status: error === undefined ? { code: 0 } : { code: 2, message: error },
    attributes: { ...first, ...attributes },
    events: [],
    instrumentationScope: { name: scope },
  };
  const span = toSpan(recorded);
  const started = { ...toSpan({ ...recorded, attributes: first, status: { code: 0 } }), ended: false };
  return { span, started };
}

const ARGUMENTS = '{"city":"Rome"}';
const AGENT: Plan = {
  name: 'invoke_agent travel',
  scope: 'agent',
  first: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'travel' },
};

/** A tool's span as frameworks write it: some with arguments and result, some without, some under another name. */
const TOOLS: Readonly<Record<string, Plan>> = {
  semconv: {
    name: 'execute_tool get_weather',
    scope: 'framework',
    first: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'get_weather' },
  },
  openinference: {
    name: 'get_weather',
    scope: '@arizeai/openinference-instrumentation-langchain',
    first: { 'openinference.span.kind': 'TOOL' },
    attributes: { 'tool.name': 'get_weather', 'input.value': ARGUMENTS, 'input.mime_type': 'application/json' },
  },
  vercel: {
    name: 'ai.toolCall',
    scope: 'ai',
    first: { 'ai.operationId': 'ai.toolCall', 'ai.toolCall.name': 'get_weather', 'ai.toolCall.args': ARGUMENTS },
    attributes: { 'ai.toolCall.result': '"Rain."' },
  },
  traceloop: {
    name: 'get_weather.tool',
    scope: '@traceloop/node-server-sdk',
    first: { 'traceloop.span.kind': 'tool', 'traceloop.entity.name': 'get_weather' },
  },
  agents: {
    name: 'mcp__weather__get_weather',
    scope: '@arizeai/openinference-instrumentation-openai-agents',
    first: { 'openinference.span.kind': 'TOOL' },
    attributes: { 'tool.name': 'mcp__weather__get_weather', 'input.value': ARGUMENTS },
  },
};

const HTTP: Plan = {
  name: 'POST',
  scope: '@opentelemetry/instrumentation-undici',
  kind: 2,
  first: { 'http.request.method': 'POST' },
};
const REQUEST: Attributes = {
  'mcp.method.name': 'tools/call',
  'gen_ai.tool.name': 'get_weather',
  'gen_ai.operation.name': 'execute_tool',
};
const CLIENT: Plan = {
  name: 'tools/call get_weather',
  scope: 'mcp-client',
  kind: 2,
  first: { ...REQUEST, 'mcp.session.id': 'mcp-1' },
  attributes: { 'gen_ai.tool.call.arguments': ARGUMENTS, 'gen_ai.tool.call.result': 'Rain.' },
};
const SERVER: Plan = { name: 'tools/call get_weather', scope: 'mcp-server', kind: 1, first: REQUEST };

interface Chain {
  readonly all: readonly Made[];
  readonly tool: Made | undefined;
  readonly client: Made | undefined;
  readonly server: Made | undefined;
}

function chain(parts: { tool?: Plan | undefined; hasHttp?: boolean; hasClient?: boolean; hasServer?: boolean }): Chain {
  const agent = make(AGENT);
  const all = [agent];
  const below = (plan: Plan) => {
    const made = make({ ...plan, parent: all.at(-1), isRemote: plan === SERVER });
    all.push(made);
    return made;
  };
  const tool = parts.tool && below(parts.tool);
  if (parts.hasHttp) below(HTTP);
  const client = parts.hasClient ? below(CLIENT) : undefined;
  if (parts.hasHttp) below(HTTP);
  const server = parts.hasServer ? below(SERVER) : undefined;
  return { all, tool, client, server };
}

interface Cuts {
  /** The spans in the order of their ends. */
  readonly spans: readonly Made[];
  /** After each of them, over and over, in milliseconds. */
  readonly pauses: readonly number[];
}

function inTime(play: (time: VirtualTime) => Promise<void>): Promise<void> {
  return inVirtualTime({ seed: 1, isBusy: false }, play);
}

async function processed(
  { all }: Pick<Chain, 'all'>,
  { spans, pauses }: Cuts,
  holdMillis = 60_000,
): Promise<LogRequest[]> {
  return deliver(new StrictEndpoint(), async (time, endpoint) => {
    network.endpoint = endpoint;
    const processor = new HumanloopSpanProcessor({ holdMillis });
    for (const { started } of all) processor.onStart(started);
    for (const [index, { span }] of spans.entries()) {
      processor.onEnd(span);
      await time.pass(pauses[index % pauses.length] as number);
    }
    await time.until(processor.forceFlush());
    expect(processor.stats().dropped).toEqual({});
    await time.until(processor.shutdown());
  });
}

async function exported({ spans, pauses }: Cuts, holdMillis = 60_000): Promise<LogRequest[]> {
  return deliver(new StrictEndpoint(), async (time, endpoint) => {
    network.endpoint = endpoint;
    const exporter = new HumanloopSpanExporter({ holdMillis, missingParent: 'root' });
    for (const [index, { span }] of spans.entries()) {
      exporter.export([span] as never, () => undefined);
      await time.pass(pauses[index % pauses.length] as number);
    }
    await time.until(exporter.forceFlush());
    expect(exporter.stats().dropped).toEqual({});
    await time.until(exporter.shutdown());
  });
}

async function deliver(
  endpoint: StrictEndpoint,
  play: (time: VirtualTime, endpoint: StrictEndpoint) => Promise<void>,
): Promise<LogRequest[]> {
  await inTime((time) => play(time, endpoint));
  expect(endpoint.breaches).toEqual([]);
  return [...endpoint.logs.values()] as LogRequest[];
}

const toolsOf = (logs: readonly LogRequest[]) => logs.filter(({ config }) => config?.type === 'tool');
const idOf = (made: Made | undefined) => made && `${TRACE}-${made.span.spanContext().spanId}`;

test.each(Object.entries(TOOLS))('%s: the tool has the log, with what the request says', async (_name, tool) => {
  for (const hasHttp of [false, true]) {
    const made = chain({ tool, hasHttp, hasClient: true, hasServer: true });
    const logs = await processed(made, { spans: [...made.all].reverse(), pauses: [0] });
    expect(logs).toHaveLength(2);
    const [log] = toolsOf(logs);
    expect(log).toMatchObject({
      reference_id: idOf(made.tool),
      parent_reference_id: idOf(made.all[0]),
      inputs: { city: 'Rome' },
      output: 'Rain.',
      metadata: { mcp_session_id: 'mcp-1' },
    });
  }
});

test('whatever is there of tool, client and server, the outermost has the log, in any order and cut', async () => {
  const scenario = fc
    .record({
      tool: fc.option(fc.constantFrom(...Object.values(TOOLS)), { nil: undefined, freq: 4 }),
      hasHttp: fc.boolean(),
      hasClient: fc.boolean(),
      hasServer: fc.boolean(),
    })
    .filter(({ tool, hasClient, hasServer }) => tool !== undefined || hasClient || hasServer)
    .chain((parts) => {
      const made = chain(parts);
      return fc.record({
        made: fc.constant(made),
        cuts: fc.record({
          spans: fc.shuffledSubarray([...made.all], { minLength: made.all.length }),
          pauses: fc.array(fc.constantFrom(0, 50, 150), { minLength: 1, maxLength: 4 }),
        }),
      });
    });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ made, cuts }) => {
      const outermost = idOf(made.tool ?? made.client ?? made.server);
      expect(toolsOf(await processed(made, cuts)).map((log) => log.reference_id)).toEqual([outermost]);

      expect(toolsOf(await exported(cuts)).map((log) => log.reference_id)).toEqual([outermost]);
    }),
    { numRuns: 150 },
  );
});

test("a request that Monocle reports is one call with the tool's span around it", async () => {
  const monocle = (type: string, entity: string): Plan => ({
    name: type,
    scope: 'monocle_apptrace',
    first: { 'monocle_apptrace.version': '0.7.0' },
    attributes: { 'span.type': type, 'entity.1.type': entity, 'entity.1.name': 'get_weather' },
  });
  const agent = make(AGENT);
  const tool = make({ ...monocle('agentic.tool.invocation', 'tool.langgraph'), parent: agent });
  const request = make({ ...monocle('agentic.mcp.invocation', 'mcp.server'), parent: tool });
  const all = [agent, tool, request];
  const logs = await processed({ all }, { spans: [...all].reverse(), pauses: [0] });
  expect(toolsOf(logs).map((log) => log.reference_id)).toEqual([idOf(tool)]);
});

test('a tool that is open longer than its request is held has the only log', async () => {
  const made = chain({ tool: TOOLS['semconv'], hasClient: true, hasServer: true });
  const logs = await processed(made, { spans: [...made.all].reverse(), pauses: [500] }, 50);
  expect(toolsOf(logs)).toMatchObject([
    { reference_id: idOf(made.tool), inputs: { city: 'Rome' }, output: 'Rain.', metadata: { mcp_session_id: 'mcp-1' } },
  ]);
});

test.each([false, true])(
  'spans that come when a log is posted are only an update (tool first: %s)',
  async (toolFirst) => {
    const made = chain({ tool: TOOLS['semconv'], hasHttp: true, hasClient: true });
    const spans = toolFirst ? made.all : [...made.all].reverse();
    const logs = toolsOf(await exported({ spans, pauses: [1_000] }, 20));
    expect(logs).toMatchObject([{ reference_id: idOf(toolFirst ? made.tool : made.client), output: 'Rain.' }]);
  },
);

test('the error of the request is the error of the tool, if the last attempt failed', async () => {
  const [fails, works] = [{ ...CLIENT, error: 'tool_error', attributes: {} }, CLIENT];
  for (const [attempts, error] of [
    [[fails, works], undefined],
    [[works, fails], 'tool_error'],
  ] as const) {
    const agent = make(AGENT);
    const tool = make({ ...(TOOLS['semconv'] as Plan), parent: agent });
    const all = [agent, tool, ...attempts.map((plan) => make({ ...plan, parent: tool }))];
    // Later attempts end later.
    for (const [index, { span }] of all.entries()) Object.assign(span, { endTime: [1_767_225_601, index] });
    const [log, ...more] = toolsOf(await processed({ all }, { spans: [...all.slice(2), tool, agent], pauses: [0] }));
    expect(more).toEqual([]);
    expect(log?.error).toBe(error);
  }
});

test.each<[string, Plan, Plan[]]>([
  [
    'other names',
    {
      ...(TOOLS['semconv'] as Plan),
      first: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'plan_trip' },
    },
    [CLIENT],
  ],
  [
    'other arguments',
    { ...(TOOLS['vercel'] as Plan), first: { ...TOOLS['vercel']?.first, 'ai.toolCall.args': '{"city":"Oslo"}' } },
    [CLIENT],
  ],
  [
    'a tool that asks for several by a longer name',
    {
      ...(TOOLS['vercel'] as Plan),
      first: {
        'ai.operationId': 'ai.toolCall',
        'ai.toolCall.name': 'multi_get_weather',
        'ai.toolCall.args': '{"cities":"Rome, Oslo"}',
      },
    },
    [CLIENT, CLIENT],
  ],
])('%s: requests of a tool are calls of their own', async (_what, tool, requests) => {
  const agent = make(AGENT);
  const around = make({ ...tool, parent: agent });
  const all = [agent, around, ...requests.map((plan) => make({ ...plan, parent: around }))];
  const logs = toolsOf(await processed({ all }, { spans: [...all].reverse(), pauses: [0] }));
  expect(logs).toHaveLength(1 + requests.length);
});

test('what is below a request hangs below the log of the tool', async () => {
  const made = chain({ tool: TOOLS['semconv'], hasClient: true, hasServer: true });
  const chat = make({
    name: 'chat',
    scope: 'openai',
    kind: 2,
    first: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' },
    parent: made.server,
  });
  const all = [...made.all, chat];
  const logs = await processed({ all }, { spans: [...all].reverse(), pauses: [0] });
  const model = logs.find(({ config }) => config?.type === 'model');
  expect(model?.parent_reference_id).toBe(idOf(made.tool));
  expect(logs).toHaveLength(3);
});
