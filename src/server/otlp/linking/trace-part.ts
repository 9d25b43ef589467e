/**
 * One part of what is remembered of a trace, as bytes: the skeletons that one request added or changed. Parts are read
 * in their order; what a later one says of a span replaces what earlier ones said.
 */
import type { LogKind } from '../../../conventions/convention.ts';
import type { ToolFacts } from '../../../trace/span-node.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { CallSummary, Outcome, Recipe, Skeleton, WrittenContext } from './skeleton.ts';

export interface TracePart {
  readonly context: WrittenContext;
  readonly skeletons: Iterable<Skeleton>;
}

/** Another number means bytes that this version cannot read. */
const FORMAT = 1;
const KINDS: readonly LogKind[] = ['model', 'tool', 'agent', 'generic'];
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

const HAS_KEEPER = 4;
const HAS_LOG_ABOVE = 8;
/** The log's parent is the span's parent. */
const IS_BELOW_PARENT = 16;
const HAS_RECIPE = 32;

const HAS_USAGE_OF = 1;
const HAS_ERROR_OF = 2;
const IS_WRAPPER = 4;
const HAS_CALLED_MODEL = 8;
const HAS_CALLED_PROVIDER = 16;
const HAS_EVENTS = 32;
const HAS_CALLER = 64;

export function encodePart({ context, skeletons }: TracePart): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(FORMAT);
  writer.byte(flags([context.session, HAS_SESSION], [context.user, HAS_USER], [context.tags, HAS_TAGS]));
  writeContext(writer, context);
  for (const skeleton of skeletons) writeSkeleton(writer, skeleton);
  return writer.finish();
}

/** @throws {RangeError} if the bytes are damaged, or of another version. */
export function decodePart(bytes: Uint8Array): TracePart {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== FORMAT) throw new RangeError('the part of a trace has another format');
  const context = readContext(reader, reader.byte());
  const skeletons: Skeleton[] = [];
  while (!reader.isAtEnd) skeletons.push(readSkeleton(reader));
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
  const { spanId, parentId, isRemoteParent, isSeen, session, user, tags, own, isKept } = skeleton;
  writer.byte(
    flags(
      [parentId, HAS_PARENT],
      [isRemoteParent || undefined, IS_REMOTE_PARENT],
      [isSeen || undefined, IS_SEEN],
      [session, HAS_SESSION],
      [user, HAS_USER],
      [tags, HAS_TAGS],
      [own, IS_LOG],
      [isKept || undefined, IS_KEPT],
    ),
  );
  writer.id(spanId);
  if (parentId !== undefined) writer.id(parentId);
  writer.double(skeleton.startMillis);
  writeContext(writer, skeleton);
  if (own) writeSummary(writer, own, skeleton);
}

function readSkeleton(reader: ByteReader): Skeleton {
  const has = reader.byte();
  const spanId = reader.id();
  const parentId = has & HAS_PARENT ? reader.id() : undefined;
  const startMillis = reader.double();
  const session = has & HAS_SESSION ? reader.text() : undefined;
  const user = has & HAS_USER ? reader.text() : undefined;
  const tags = has & HAS_TAGS ? readList(reader, () => reader.text()) : undefined;
  const log = has & IS_LOG ? readSummary(reader, parentId) : undefined;
  return {
    spanId,
    parentId,
    isRemoteParent: (has & IS_REMOTE_PARENT) !== 0,
    isSeen: (has & IS_SEEN) !== 0,
    startMillis,
    session,
    user,
    tags,
    own: log?.own,
    written: log?.written,
    isKept: (has & IS_KEPT) !== 0,
  };
}

function writeSummary(writer: ByteWriter, own: CallSummary, { written, parentId }: Skeleton): void {
  const { endMillis, callId, model, provider, convention, promptTokens, outputTokens, hasCounts } = own;
  const { hasMessages, hasError, question, answer, tool } = own;
  writer.byte(KINDS.indexOf(own.kind));
  writer.byte(
    flags(
      [endMillis, HAS_END],
      [callId, HAS_CALL_ID],
      [model, HAS_MODEL],
      [provider, HAS_PROVIDER],
      [convention, HAS_CONVENTION],
      [promptTokens, HAS_PROMPT_TOKENS],
      [outputTokens, HAS_OUTPUT_TOKENS],
      [hasCounts || undefined, HAS_COUNTS],
    ),
  );
  writer.byte(
    flags(
      [hasMessages || undefined, HAS_MESSAGES],
      [hasError || undefined, HAS_ERROR],
      [question, HAS_QUESTION],
      [answer, HAS_ANSWER],
      [tool, HAS_TOOL],
      [written, HAS_OUTCOME],
    ),
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

function writeOutcome(
  writer: ByteWriter,
  { kind, keeperId, parentId, recipe }: Outcome,
  spanParentId: string | undefined,
): void {
  const isBelowParent = parentId !== undefined && parentId === spanParentId;
  writer.byte(
    KINDS.indexOf(kind) |
      flags(
        [keeperId, HAS_KEEPER],
        [isBelowParent ? undefined : parentId, HAS_LOG_ABOVE],
        [isBelowParent || undefined, IS_BELOW_PARENT],
        [recipe, HAS_RECIPE],
      ),
  );
  if (keeperId !== undefined) writer.id(keeperId);
  if (parentId !== undefined && !isBelowParent) writer.id(parentId);
  if (recipe) writeRecipe(writer, recipe);
}

function readOutcome(reader: ByteReader, spanParentId: string | undefined): Outcome {
  const has = reader.byte();
  const kind = kindAt(has & 3);
  const keeperId = has & HAS_KEEPER ? reader.id() : undefined;
  const above = has & HAS_LOG_ABOVE ? reader.id() : undefined;
  const parentId = has & IS_BELOW_PARENT ? spanParentId : above;
  return { kind, keeperId, parentId, recipe: has & HAS_RECIPE ? readRecipe(reader) : undefined };
}

function writeRecipe(writer: ByteWriter, recipe: Recipe): void {
  const { fillers, usageOf, errorOf, isWrapper, calledBy, model, provider, hasEvents } = recipe;
  writer.byte(
    flags(
      [usageOf, HAS_USAGE_OF],
      [errorOf, HAS_ERROR_OF],
      [isWrapper || undefined, IS_WRAPPER],
      [model, HAS_CALLED_MODEL],
      [provider, HAS_CALLED_PROVIDER],
      [hasEvents || undefined, HAS_EVENTS],
      [calledBy, HAS_CALLER],
    ),
  );
  writer.count(fillers.length);
  for (const spanId of fillers) writer.id(spanId);
  if (usageOf !== undefined) writer.id(usageOf);
  if (errorOf !== undefined) writer.id(errorOf);
  if (calledBy !== undefined) writer.id(calledBy);
  if (model !== undefined) writer.text(model);
  if (provider !== undefined) writer.text(provider);
}

function readRecipe(reader: ByteReader): Recipe {
  const has = reader.byte();
  return {
    fillers: readList(reader, () => reader.id()),
    usageOf: has & HAS_USAGE_OF ? reader.id() : undefined,
    errorOf: has & HAS_ERROR_OF ? reader.id() : undefined,
    isWrapper: (has & IS_WRAPPER) !== 0,
    calledBy: has & HAS_CALLER ? reader.id() : undefined,
    model: has & HAS_CALLED_MODEL ? reader.text() : undefined,
    provider: has & HAS_CALLED_PROVIDER ? reader.text() : undefined,
    hasEvents: (has & HAS_EVENTS) !== 0,
  };
}

function readList<Item>(reader: ByteReader, read: () => Item): Item[] {
  const items: Item[] = [];
  for (let left = reader.length(); left > 0; left--) items.push(read());
  return items;
}

function kindAt(place: number): LogKind {
  const kind = KINDS[place];
  if (kind === undefined) throw new RangeError('a kind of log is not known');
  return kind;
}

/** Returns the bits of the values that are there. */
function flags(...values: readonly (readonly [value: unknown, bit: number])[]): number {
  let bits = 0;
  for (const [value, bit] of values) if (value !== undefined) bits |= bit;
  return bits;
}
