/**
 * Remembers which messages of a session the search index has, since the model calls of a conversation repeat all that
 * was said before. Each message is indexed with one log of its session, which owns it. What is forgotten here is
 * indexed again, which costs some space and changes nothing else.
 *
 * To find that a message is known, its log would have to be parsed. So the JSON of each session's conversation is
 * remembered, too: where that of another log begins with it, only the rest is new.
 */
import type { SqliteValue } from '../../../../sqlite/open.ts';

/** Of all sessions. Those that were used longest ago are forgotten first. */
const MAX_MESSAGES = 200_000;

/** In the conversations of all sessions. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** A longer conversation is parsed each time. */
const MAX_CONVERSATION_CHARACTERS = 256 * 1024;

const COMMA = 0x2c;
const BRACKET = 0x5d;

interface Session {
  /** The log that owns a message, by the hash of its text. */
  readonly owners: Map<number, SqliteValue>;
  /** A JSON array of messages, each of which is in the index. */
  conversation: string;
}

export class IndexedMessages {
  readonly #sessions = new Map<SqliteValue, Session>();
  #count = 0;
  #characters = 0;
  /** Sessions that the current slice has looked at. If the slice is undone, so is what it has indexed of them. */
  readonly #touched = new Set<SqliteValue>();

  keepSlice(): void {
    this.#touched.clear();
    for (const session of this.#sessions.keys()) {
      if (this.#count <= MAX_MESSAGES && this.#characters <= MAX_CHARACTERS) return;
      this.forget(session);
    }
  }

  dropSlice(): void {
    for (const session of this.#touched) this.forget(session);
    this.#touched.clear();
  }

  /** For when others have indexed: what they have indexed again is not known here. */
  clear(): void {
    this.#sessions.clear();
    this.#touched.clear();
    [this.#count, this.#characters] = [0, 0];
  }

  forget(session: SqliteValue): void {
    const known = this.#sessions.get(session);
    if (!known) return;
    this.#count -= known.owners.size;
    this.#characters -= known.conversation.length;
    this.#sessions.delete(session);
  }

  /** Returns those messages of a JSON array that may be new. The log must own none: it was never indexed before. */
  newPart(session: SqliteValue, messages: string): string {
    const conversation = this.#sessions.get(session)?.conversation ?? '';
    if (conversation === '') return messages;
    if (hasBeginning(conversation, messages)) return '[]';
    return hasBeginning(messages, conversation) ? `[${messages.slice(conversation.length)}` : messages;
  }

  /** Must be called with the messages of a log when all of them have been given to the function of `ownershipOf`. */
  keepConversation(session: SqliteValue, messages: string): void {
    const known = this.#sessions.get(session);
    if (!known || messages.length > MAX_CONVERSATION_CHARACTERS || !messages.startsWith('[')) return;
    if (hasBeginning(known.conversation, messages)) return;
    this.#characters += messages.length - known.conversation.length;
    known.conversation = messages;
  }

  /** Returns a function that says whether the log has to be indexed with a message of this text. */
  ownershipOf(session: SqliteValue, log: SqliteValue): (text: string) => boolean {
    const known: Session = this.#sessions.get(session) ?? { owners: new Map(), conversation: '' };
    const { owners } = known;
    // It becomes the one that was used last.
    this.#sessions.delete(session);
    this.#sessions.set(session, known);
    this.#touched.add(session);
    return (text) => {
      const hash = hashOf(text);
      const owner = owners.get(hash);
      if (owner !== undefined) return owner === log;
      owners.set(hash, log);
      this.#count += 1;
      return true;
    };
  }
}

/** Whether the first of two JSON arrays has the elements of the second one, and more or not. */
function hasBeginning(longer: string, shorter: string): boolean {
  const end = shorter.length - 1;
  const next = longer.charCodeAt(end);
  // `startsWith` compares character by character, and takes a hundred times as long.
  return (next === COMMA || next === BRACKET) && longer.slice(0, end) === shorter.slice(0, end);
}

/** Returns 53 bits: with a million messages in one session, two share a hash once in ten thousand sessions. */
function hashOf(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return 4_294_967_296 * (0x1f_ff_ff & low) + (high >>> 0);
}
