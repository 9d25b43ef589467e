/**
 * Reads contents and answers of Gemini as Python prints messages of Protocol Buffers, which instrumentations of Vertex AI write:
 *
 *     role: "user"
 *     parts {
 *       text: "Hi"
 *     }
 */
import { budgetNow } from '../json/text-weight.ts';

type Fields = Record<string, unknown>;

/** Other messages are no contents of a call, and other parts none of Gemini's. */
const START =
  /^\[?(?:(?:role: "\w{1,20}"\n)?parts \{\n\s{1,20}(?:text: "|(?:inline_data|file_data|function_call|function_response|thought|executable_code|code_execution_result)\b)|(?:model: "[^"\n]{1,200}"\n)?contents \{\n|candidates \{\n|prompt_feedback \{\n)/;
/** Fields that may be there more than once are lists. */
const LISTS: ReadonlySet<string> = new Set(['parts', 'contents', 'candidates', 'safety_ratings', 'tools']);
const MAX_DEPTH = 50;
const FIELD_WEIGHT = 20;

/** A field with its value, the begin of a message or its end, or what is between the messages of a list. */
const LINE = /\s*(?:(\w{1,100})(?:: (?:"([^"\\\n]*(?:\\.[^"\\\n]*)*)"|([\w.+-]{1,100}))| \{)(?=\n)|(\})|(, |\]$))/y;

/** Whether a text begins like such messages. */
export function mayBeProtoText(text: string): boolean {
  return START.test(text);
}

/** Returns the message, or a list of them; undefined if the text is anything else. */
export function protoTextIn(text: string): unknown {
  if (!START.test(text)) return undefined;
  const isList = text.startsWith('[');
  const messages: Fields[] = [{}];
  const open: Fields[] = [messages[0]!];
  const { length } = text.trimEnd();
  LINE.lastIndex = isList ? 1 : 0;
  while (LINE.lastIndex < length) {
    const line = LINE.exec(text);
    if (!line || open.length > MAX_DEPTH || !budgetNow().spend(FIELD_WEIGHT)) return undefined;
    const [, name, quoted, word, end, between] = line;
    if (name !== undefined) {
      const inner = quoted === undefined && word === undefined ? {} : undefined;
      add(open.at(-1)!, name, inner ?? (quoted === undefined ? valueOfWord(word!) : unescaped(quoted)));
      if (inner) open.push(inner);
    } else if (end !== undefined) {
      if (open.length === 1) return undefined;
      open.pop();
    } else if (!isList || open.length > 1) return undefined;
    else if (between === ', ') {
      messages.push({});
      open[0] = messages.at(-1)!;
    }
  }
  return open.length > 1 ? undefined : isList ? messages : messages[0];
}

function add(fields: Fields, name: string, value: unknown): void {
  if (name === '__proto__') return;
  const present = fields[name];
  if (Array.isArray(present)) present.push(value);
  else if (present !== undefined) fields[name] = [present, value];
  else fields[name] = LISTS.has(name) ? [value] : value;
}

function valueOfWord(word: string): unknown {
  if (word === 'true' || word === 'false') return word === 'true';
  const number = Number(word);
  return Number.isNaN(number) ? word : number;
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11 };
const ESCAPE = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|(.))|[^\\]+/g;

/** Bytes of UTF-8 that are not ASCII are octal numbers. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes: Buffer[] = [];
  for (const [piece, octal, hex, one] of text.matchAll(ESCAPE)) {
    if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8) & MAX_BYTE]));
    else if (hex !== undefined) bytes.push(Buffer.from([Number.parseInt(hex, 16)]));
    else if (one !== undefined) bytes.push(ESCAPES[one] === undefined ? Buffer.from(one) : Buffer.from([ESCAPES[one]]));
    else bytes.push(Buffer.from(piece));
  }
  return Buffer.concat(bytes).toString('utf8');
}

const MAX_BYTE = 0xff;
