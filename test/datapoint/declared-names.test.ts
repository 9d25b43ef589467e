/** Without content, names stay and sentences do not, wherever an app or a framework takes a text for a name. */
import { describe, expect, it, test } from 'vitest';
import type { LogKind, Reading } from '../../src/conventions/convention.ts';
import { isDeclaredName } from '../../src/datapoint/declared-names.ts';
import { toDatapoint } from '../../src/datapoint/to-datapoint.ts';
import { SETTINGS } from '../conventions/recordings.ts';
import { makeSpan } from '../conventions/span.ts';
import { MOST_RATIO, ratioOf } from '../support/effort.ts';

const NAMES = [
  ...['get_weather', 'Weather', 'Research Agent', 'Senior Data Researcher', 'Customer Support Triage Agent'],
  ...['agent for the invoices of a department', 'Ask an Expert', 'mcp__github__search'],
  ...['AI-powered Market Research and Competitive Analysis Specialist', 'Senior {topic} Researcher (v2)'],
  ...['Read website content', 'Find Flights to New York', 'Agente de atención al cliente', 'Assistant de recherche'],
  ...[
    'Agent für die Rechnungsprüfung',
    '天气小助手',
    '高级数据分析与报告生成专家',
    '其他问题处理助手',
    '旅行計画アシスタント',
  ],
  ...['github: search_issues', 'ChatCompletion: openai-main/gpt-4o', 'Model: gpt-4o', 'Tool call: Search the Web'],
  ...['Writer, Editor & Co', 'Acme Inc. Support Agent', 'Agent No. 5', 'weather_v1.2.3 /etc/x'],
  ...[
    'Yahoo! Finance',
    'Jeopardy! Host',
    'Yahoo! Finance News',
    "What's New Bot",
    'Q&A Agent',
    'Dr. House',
    'Acme Inc. Support',
  ],
  ...['私人健康管理助手', '隐私合规审查专家', '自我介绍生成助手', '吉他学习助手', '其他问题处理专家'],
  ...['고객 지원 분류 에이전트', 'وكيل خدمة العملاء', 'נציג שירות לקוחות', 'ग्राहक सहायता एजेंट'],
  ...['Planner #2', 'Plan & Execute', 'R&D/QA reviewer', 'LangGraph', 'gpt-4o mini agent'],
];

const TOOLS = [
  ...[
    'Search the internet with Serper',
    'Delegate work to coworker',
    'Ask question to coworker',
    "Read a file's content",
  ],
  ...['Chat with your PDF', 'List open issues of a project'],
];

/** They may be what somebody has asked for: a name only where a tool's is. */
const PHRASES = [
  ...['write anna a birthday poem', 'call anna about the divorce', 'fire anna tomorrow morning', 'book anna a flight'],
  ...['divorce lawyer for anna schmidt', 'email bob the salary list', 'Write anna a poem', 'Weather in Paris for anna'],
];

const SENTENCES = [
  ...['Write a poem about my ex-wife Anna Schmidt', 'What is wrong with Anna?', 'Please find Anna a doctor'],
  ...['Find a doctor for Anna Schmidt', 'I am ill and need help', 'Tell Anna that she should call', 'Anna is ill'],
  ...['Help me to find a doctor for Anna', 'Summarize: Anna is ill', 'Hello, Anna', 'Anna is ill. Find a doctor'],
  ...['Schreibe ein Gedicht über meine Exfrau Anna Schmidt', 'Écris un poème sur mon ex-femme Anna'],
  ...['write an email to anna@example.org now', 'find anna a doctor near the old harbour of oslo today'],
  ...[
    'Anna: call me',
    'Find a doctor: Anna Schmidt',
    'Dear Anna, please call',
    'Hello, Agent Smith!',
    'Anna, Bob and Carl',
  ],
  ...['what? anna died', 'cancer! anna died', 'Mr. Smith died', 'Dr. Smith fired Bob'],
  ...['Help! Anna Schmidt', 'Hello! Anna', 'tell anna she is fired', 'Anna died! Call Bob'],
  ...['제 전처 안나에게 시를 써 주세요', '안나에게 생일 축하 편지를 써줘', 'اكتب قصيدة عن طليقتي آنا شميت'],
  ...['כתוב שיר על גרושתי אנה שמידט', '私はアンナという者です', '私の元妻アンナへの手紙'],
  ...['请给我的前妻安娜写一首诗', '安娜病了怎么办呢？', 'アンナに手紙を書いてください'],
];

test.each(NAMES)('%s is a name', (name) => expect(isDeclaredName(name)).toBe(true));
test.each(TOOLS)('%s is the name of a tool', (name) => {
  expect(isDeclaredName(name, true)).toBe(true);
  const log = withoutContent('tool', name, { name });
  expect(log.config).toMatchObject({ name });
  expect(log.metadata).toMatchObject({ span_name: name });
  expect(withoutContent('model', 'chat', { tools: [{ name }] }).config).toMatchObject({ tools: [{ name }] });
});
test.each([...TOOLS, ...PHRASES])('%s is no name of anything else', (text) => {
  expect(isDeclaredName(text)).toBe(false);
  for (const kind of ['agent', 'model', 'generic'] as const)
    for (const reading of [{ name: text }, { metadata: { agent_name: text, prompt_name: text } }, {}])
      for (const name of [text, `invoke_agent ${text}`])
        expect(JSON.stringify(withoutContent(kind, name, reading))).not.toContain(text);
  expect(JSON.stringify(withoutContent('tool', text, { name: 't' }))).not.toContain(text);
});
test.each(SENTENCES)('%s is none', (text) => expect(isDeclaredName(text)).toBe(false));

describe.each(SENTENCES)('%s', (text) => {
  it('stays out of a log without content', () => {
    const spans = [text, `invoke_agent ${text}`, `agent: ${text}`];
    for (const kind of ['agent', 'tool', 'model', 'generic'] as const)
      for (const name of spans)
        for (const reading of [{ name: text }, { tools: [{ name: text }] }, { metadata: { agent_name: text } }, {}]) {
          expect(JSON.stringify(withoutContent(kind, name, reading))).not.toContain(text);
        }
  });
});

test.each(['a ', 'A ', '{', '我', 'my ', 'x,', "i'"])('takes a time in proportion to a name of %j', async (piece) => {
  const ratio = await ratioOf(
    () => isDeclaredName(piece.repeat(25_000 / piece.length)),
    () => isDeclaredName(piece.repeat(100_000 / piece.length)),
  );
  expect(ratio).toBeLessThan(MOST_RATIO);
});

function withoutContent(kind: LogKind, name: string, reading: Reading) {
  const settings = { ...SETTINGS, captureContent: false };
  return toDatapoint(makeSpan({}, { name }), kind, reading, { referenceId: 'r', sessionReferenceId: 's' }, settings);
}
