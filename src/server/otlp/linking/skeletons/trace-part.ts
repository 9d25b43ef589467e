/**
 * One part of what is remembered of a trace, as bytes: the skeletons that one request added or changed. Parts are read
 * in their order; what a later one says of a span replaces what earlier ones said.
 */
import type { ToolFacts } from '../../../../trace/span-node.ts';
import { ByteReader, ByteWriter, flag, readList } from './bytes.ts';
import { codeOf, kindAt, readOutcome, writeOutcome } from './outcome-bytes.ts';
import type { CallSummary, Elsewhere, Outcome, Skeleton, WrittenContext } from './skeleton.ts';

export interface TracePart {
  readonly context: WrittenContext;
  readonly skeletons: Iterable<Skeleton>;
}

/** Some hundred spans, or the tags of one that has very many. */
const BYTES_OF_STEP = 16_384;

/** Another number means bytes that this version cannot read. */
const FORMAT = 2;
/** Its spans have no names, and nothing of what was written to their logs. */
const OLDER_FORMAT = 1;
const MCP_ROLES: readonly ToolFacts['mcpRole'][] = [undefined, 'client', 'server'];

/** Which fields of a skeleton follow. */
const HAS_PARENT = 1;
const IS_REMOTE_PARENT = 2;
const IS_SEEN = 4;
const HAS_SESSION = 8;
const HAS_USER = 16;
const HAS_TAGS = 32;
const IS_LOG = 64;
const IS_KEPT = 128;

const HAS_UPSTREAM = 1;
const HAS_ELSEWHERE = 2;
const HAS_NAMES = 4;
const HAS_QUESTION_NAME = 8;
const HAS_SAID = 16;
const SAYS_ANSWER = 32;
const SAYS_OUTPUT = 64;
const SAYS_ERROR = 128;
const HAS_KEEPER = 1;
const HAS_QUESTION_KEY = 2;
const IS_BELOW_LOG = 4;

const HAS_END = 1;
const HAS_CALL_ID = 2;
const HAS_MODEL = 4;
const HAS_PROVIDER = 8;
const HAS_CONVENTION = 16;
const HAS_PROMPT_TOKENS = 32;
const HAS_OUTPUT_TOKENS = 64;
const HAS_COUNTS = 128;

const HAS_MESSAGES = 1;
const HAS_ERROR = 2;
const HAS_QUESTION = 4;
const HAS_ANSWER = 8;
const HAS_TOOL = 16;
const HAS_OUTCOME = 32;
const MAY_BE_SUM = 64;

/** Yields after small steps. */
export function* encodePart({ context, skeletons }: TracePart): Generator<void, Uint8Array> {
  const writer = new ByteWriter();
  writer.byte(FORMAT);
  writer.byte(flag(context.session, HAS_SESSION) | flag(context.user, HAS_USER) | flag(context.tags, HAS_TAGS));
  writeContext(writer, context);
  let nextStep = BYTES_OF_STEP;
  for (const skeleton of skeletons) {
    writeSkeleton(writer, skeleton);
    if (writer.length < nextStep) continue;
    nextStep = writer.length + BYTES_OF_STEP;
    yield;
  }
  return writer.finish();
}

/**
 * Yields after small steps.
 *
 * @throws {RangeError} if the bytes are damaged, or of another version.
 */
export function* decodePart(bytes: Uint8Array): Generator<void, TracePart> {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== FORMAT && format !== OLDER_FORMAT) throw new RangeError('the part of a trace has another format');
  const context = readContext(reader, reader.byte());
  const skeletons: Skeleton[] = [];
  let nextStep = BYTES_OF_STEP;
  while (!reader.isAtEnd) {
    skeletons.push(readSkeleton(reader));
    if (reader.at < nextStep) continue;
    nextStep = reader.at + BYTES_OF_STEP;
    yield;
  }
  return { context, skeletons };
}

function writeContext(writer: ByteWriter, { session, user, tags }: WrittenContext): void {
  if (session !== undefined) writer.text(session);
  if (user !== undefined) writer.text(user);
  if (tags === undefined) return;
  writer.count(tags.length);
  for (const tag of tags) writer.text(tag);
}

function readContext(reader: ByteReader, has: number): WrittenContext {
  return {
    session: has & HAS_SESSION ? reader.text() : undefined,
    user: has & HAS_USER ? reader.text() : undefined,
    tags: has & HAS_TAGS ? readList(reader, () => reader.text()) : undefined,
  };
}

function writeSkeleton(writer: ByteWriter, skeleton: Skeleton): void {
  const { spanId, parentId, isRemoteParent, upstreamId, isSeen, session, user, tags } = skeleton;
  const { own, names, isKept, elsewhere, said } = skeleton;
  /** Most logs have no other output than the answer. */
  const output = said?.output === own?.answer ? undefined : said?.output;
  writer.byte(
    flag(parentId, HAS_PARENT) |
      flag(isRemoteParent || undefined, IS_REMOTE_PARENT) |
      flag(isSeen || undefined, IS_SEEN) |
      flag(session, HAS_SESSION) |
      flag(user, HAS_USER) |
      flag(tags, HAS_TAGS) |
      flag(own, IS_LOG) |
      flag(isKept || undefined, IS_KEPT),
  );
  writer.byte(
    flag(upstreamId, HAS_UPSTREAM) |
      flag(elsewhere, HAS_ELSEWHERE) |
      flag(names, HAS_NAMES) |
      flag(names?.question, HAS_QUESTION_NAME) |
      flag(said, HAS_SAID) |
      (said?.output !== undefined && output === undefined ? SAYS_ANSWER : 0) |
      flag(output, SAYS_OUTPUT) |
      flag(said?.error, SAYS_ERROR),
  );
  writer.id(spanId);
  if (parentId !== undefined) writer.id(parentId);
  if (upstreamId !== undefined) writer.id(upstreamId);
  writer.double(skeleton.startMillis);
  writeContext(writer, skeleton);
  if (elsewhere) writeElsewhere(writer, elsewhere);
  if (names) writer.text(names.reporter);
  if (names?.question !== undefined) writer.id(names.question);
  if (own) writeSummary(writer, own, skeleton);
  if (output !== undefined) writer.id(output);
  if (said?.error !== undefined) writer.id(said.error);
}

function readSkeleton(reader: ByteReader): Skeleton {
  const has = reader.byte();
  const hasMore = reader.byte();
  const spanId = reader.id();
  const parentId = has & HAS_PARENT ? reader.id() : undefined;
  const upstreamId = hasMore & HAS_UPSTREAM ? reader.id() : undefined;
  const startMillis = reader.double();
  const session = has & HAS_SESSION ? reader.text() : undefined;
  const user = has & HAS_USER ? reader.text() : undefined;
  const tags = has & HAS_TAGS ? readList(reader, () => reader.text()) : undefined;
  const elsewhere = hasMore & HAS_ELSEWHERE ? readElsewhere(reader) : undefined;
  const reporter = hasMore & HAS_NAMES ? reader.text() : undefined;
  const question = hasMore & HAS_QUESTION_NAME ? reader.id() : undefined;
  const log = has & IS_LOG ? readSummary(reader, parentId) : undefined;
  const output = hasMore & SAYS_OUTPUT ? reader.id() : hasMore & SAYS_ANSWER ? log?.own.answer : undefined;
  const error = hasMore & SAYS_ERROR ? reader.id() : undefined;
  return {
    spanId,
    parentId,
    isRemoteParent: (has & IS_REMOTE_PARENT) !== 0,
    upstreamId,
    isSeen: (has & IS_SEEN) !== 0,
    startMillis,
    session,
    user,
    tags,
    own: log?.own,
    names: reporter === undefined ? undefined : { reporter, question },
    elsewhere,
    written: log?.written,
    said: hasMore & HAS_SAID ? { output, error } : undefined,
    isKept: (has & IS_KEPT) !== 0,
  };
}

function writeElsewhere(writer: ByteWriter, { keeper, others, reporter, question, isBelowLog }: Elsewhere): void {
  writer.byte(
    flag(keeper, HAS_KEEPER) | flag(question, HAS_QUESTION_KEY) | flag(isBelowLog || undefined, IS_BELOW_LOG),
  );
  if (keeper !== undefined) writer.name(keeper);
  if (question !== undefined) writer.id(question);
  writer.id(reporter);
  writer.count(others.length);
  for (const other of others) writer.name(other);
}

function readElsewhere(reader: ByteReader): Elsewhere {
  const has = reader.byte();
  const keeper = has & HAS_KEEPER ? reader.name() : undefined;
  const question = has & HAS_QUESTION_KEY ? reader.id() : undefined;
  const reporter = reader.id();
  const others = readList(reader, () => reader.name());
  return { keeper, others, reporter, question, isBelowLog: (has & IS_BELOW_LOG) !== 0 };
}

function writeSummary(writer: ByteWriter, own: CallSummary, { written, parentId }: Skeleton): void {
  const { endMillis, callId, model, provider, convention, promptTokens, outputTokens, hasCounts } = own;
  const { hasMessages, hasError, question, answer, tool } = own;
  writer.byte(codeOf(own.kind));
  writer.byte(
    flag(endMillis, HAS_END) |
      flag(callId, HAS_CALL_ID) |
      flag(model, HAS_MODEL) |
      flag(provider, HAS_PROVIDER) |
      flag(convention, HAS_CONVENTION) |
      flag(promptTokens, HAS_PROMPT_TOKENS) |
      flag(outputTokens, HAS_OUTPUT_TOKENS) |
      flag(hasCounts || undefined, HAS_COUNTS),
  );
  writer.byte(
    flag(hasMessages || undefined, HAS_MESSAGES) |
      flag(hasError || undefined, HAS_ERROR) |
      flag(question, HAS_QUESTION) |
      flag(answer, HAS_ANSWER) |
      flag(tool, HAS_TOOL) |
      flag(written, HAS_OUTCOME) |
      flag(own.mayBeSum || undefined, MAY_BE_SUM),
  );
  writer.text(own.scope);
  if (endMillis !== undefined) writer.double(endMillis);
  if (callId !== undefined) writer.id(callId);
  if (model !== undefined) writer.text(model);
  if (provider !== undefined) writer.text(provider);
  if (convention !== undefined) writer.text(convention);
  if (promptTokens !== undefined) writer.number(promptTokens);
  if (outputTokens !== undefined) writer.number(outputTokens);
  if (question !== undefined) writer.id(question);
  if (answer !== undefined) writer.id(answer);
  if (tool) writeTool(writer, tool);
  if (written) writeOutcome(writer, written, parentId);
}

function readSummary(
  reader: ByteReader,
  parentId: string | undefined,
): { own: CallSummary; written: Outcome | undefined } {
  const kind = kindAt(reader.byte());
  const has = reader.byte();
  const more = reader.byte();
  const scope = reader.text();
  const own: CallSummary = {
    kind,
    scope,
    endMillis: has & HAS_END ? reader.double() : undefined,
    callId: has & HAS_CALL_ID ? reader.id() : undefined,
    model: has & HAS_MODEL ? reader.text() : undefined,
    provider: has & HAS_PROVIDER ? reader.text() : undefined,
    convention: has & HAS_CONVENTION ? reader.text() : undefined,
    promptTokens: has & HAS_PROMPT_TOKENS ? reader.number() : undefined,
    outputTokens: has & HAS_OUTPUT_TOKENS ? reader.number() : undefined,
    hasCounts: (has & HAS_COUNTS) !== 0,
    hasMessages: (more & HAS_MESSAGES) !== 0,
    hasError: (more & HAS_ERROR) !== 0,
    question: more & HAS_QUESTION ? reader.id() : undefined,
    answer: more & HAS_ANSWER ? reader.id() : undefined,
    mayBeSum: (more & MAY_BE_SUM) !== 0,
    tool: more & HAS_TOOL ? readTool(reader, scope) : undefined,
  };
  return { own, written: more & HAS_OUTCOME ? readOutcome(reader, parentId) : undefined };
}

function writeTool(writer: ByteWriter, { name, mcpRole, arguments: texts, output, hasError }: ToolFacts): void {
  writer.text(name);
  writer.byte(MCP_ROLES.indexOf(mcpRole) | (output === undefined ? 0 : 4) | (hasError ? 8 : 0));
  if (output !== undefined) writer.text(output);
  writer.count(texts.size);
  for (const [key, text] of texts) {
    writer.text(key);
    writer.text(text);
  }
}

function readTool(reader: ByteReader, scope: string): ToolFacts {
  const name = reader.text();
  const has = reader.byte();
  const output = has & 4 ? reader.text() : undefined;
  const texts = readList(reader, () => [reader.text(), reader.text()] as const);
  return { name, mcpRole: MCP_ROLES[has & 3], scope, arguments: new Map(texts), output, hasError: (has & 8) !== 0 };
}
