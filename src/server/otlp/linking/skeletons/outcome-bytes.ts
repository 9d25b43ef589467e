/** Kinds and outcomes of logs as bytes: a part of what `trace-part.ts` writes. */
import type { LogKind } from '../../../../conventions/convention.ts';
import { type ByteReader, type ByteWriter, flag, readList } from './bytes.ts';
import type { Outcome, Recipe } from './skeleton.ts';

const KINDS: readonly LogKind[] = ['model', 'tool', 'agent', 'generic'];

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

export function codeOf(kind: LogKind): number {
  return KINDS.indexOf(kind);
}

export function kindAt(place: number): LogKind {
  const kind = KINDS[place];
  if (kind === undefined) throw new RangeError('a kind of log is not known');
  return kind;
}

export function writeOutcome(
  writer: ByteWriter,
  { kind, keeperId, parentId, recipe }: Outcome,
  spanParentId: string | undefined,
): void {
  const isBelowParent = parentId !== undefined && parentId === spanParentId;
  writer.byte(
    codeOf(kind) |
      flag(keeperId, HAS_KEEPER) |
      flag(isBelowParent ? undefined : parentId, HAS_LOG_ABOVE) |
      flag(isBelowParent || undefined, IS_BELOW_PARENT) |
      flag(recipe, HAS_RECIPE),
  );
  if (keeperId !== undefined) writer.name(keeperId);
  if (parentId !== undefined && !isBelowParent) writer.id(parentId);
  if (recipe) writeRecipe(writer, recipe);
}

export function readOutcome(reader: ByteReader, spanParentId: string | undefined): Outcome {
  const has = reader.byte();
  const kind = kindAt(has & 3);
  const keeperId = has & HAS_KEEPER ? reader.name() : undefined;
  const above = has & HAS_LOG_ABOVE ? reader.id() : undefined;
  const parentId = has & IS_BELOW_PARENT ? spanParentId : above;
  return { kind, keeperId, parentId, recipe: has & HAS_RECIPE ? readRecipe(reader) : undefined };
}

function writeRecipe(writer: ByteWriter, recipe: Recipe): void {
  const { fillers, usageOf, errorOf, isWrapper, calledBy, model, provider, hasEvents } = recipe;
  writer.byte(
    flag(usageOf, HAS_USAGE_OF) |
      flag(errorOf, HAS_ERROR_OF) |
      flag(isWrapper || undefined, IS_WRAPPER) |
      flag(model, HAS_CALLED_MODEL) |
      flag(provider, HAS_CALLED_PROVIDER) |
      flag(hasEvents || undefined, HAS_EVENTS) |
      flag(calledBy, HAS_CALLER),
  );
  writer.count(fillers.length);
  for (const name of fillers) writer.name(name);
  if (usageOf !== undefined) writer.id(usageOf);
  if (errorOf !== undefined) writer.id(errorOf);
  if (calledBy !== undefined) writer.id(calledBy);
  if (model !== undefined) writer.text(model);
  if (provider !== undefined) writer.text(provider);
}

function readRecipe(reader: ByteReader): Recipe {
  const has = reader.byte();
  return {
    fillers: readList(reader, () => reader.name()),
    usageOf: has & HAS_USAGE_OF ? reader.id() : undefined,
    errorOf: has & HAS_ERROR_OF ? reader.id() : undefined,
    isWrapper: (has & IS_WRAPPER) !== 0,
    calledBy: has & HAS_CALLER ? reader.id() : undefined,
    model: has & HAS_CALLED_MODEL ? reader.text() : undefined,
    provider: has & HAS_CALLED_PROVIDER ? reader.text() : undefined,
    hasEvents: (has & HAS_EVENTS) !== 0,
  };
}
