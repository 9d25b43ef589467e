/**
 * Which texts may be the name of an agent, a tool or a prompt. Frameworks take any text for one: apps pass what a user has
 * asked for, or what an agent is to do. A name has few words; it does not speak of persons, ask, or end with a full stop.
 *
 * A phrase of up to six words without any of that stays: `Search the internet with Serper` is a tool of CrewAI.
 */
import { isName } from './structure-texts.ts';

const MAX_CHARS = 80;
const MAX_WORDS = 9;
const MAX_PHRASE_WORDS = 6;
/** With fewer words even a sentence says little. */
const MIN_SENTENCE_WORDS = 3;

/** Marks that end or divide sentences. */
const PUNCTUATION = /[?!;…？！。，；]|[,:.]\s|[.,:]$|@\S+\.\w/;
/** What only sentences say, of themselves or of others. */
const SPEAKING = words(
  `i i'm i'd i've my me mine myself you your yours yourself we our ours us he she his him her hers they their them
  is are was were am will would could should has have had does did please
  ich mir mich mein meine meinen meiner meinem meines dein deine deinen deiner ihr ihre ihren ihrem wir uns unser unsere
  ist sind war bitte je moi mon mes tu vous votre vos nous notre nos est sont yo mis usted nuestra nuestro por-favor`,
);
/** What names have in lower case between other words. */
const JOINING = words(
  `of and or for the in on at to with by from via as per vs
  für der die das und von zur zum im am de del de-la la le les du des el los las y et e da do dos para por pour en di il van het`,
);
/** Where words are not in capitals, the first or the last says that it is somebody or something that works. */
const ROLE =
  /^(?:(?:sub)?agent(?:e|s|in|en)?|assist(?:ant|ante|ent|ente|entin)|asistente|assistente|anal(?:yst|yste|ista)|research(?:er)?|expert(?:e|o|a|in)?|[ei]?sp[eé][cz]ialist(?:e|a|in)?|(?:chat)?bot|tool|coordinator|planner|writer|editor|reviewer|engineer|developer|manager|supervisor|orchestrator|router|executor|evaluator|summari[sz]er|translator|classifier|retriever|helper|worker|team|crew|workflow|pipeline|service|system)$/i;
/** Where there are no spaces: I, you, she and he, and the ends of questions and polite sentences. */
const UNSPACED_SPEAKING = /[我你您她吗呢]|(?<!其)他|です|ます|ください|私|僕/;
const MIN_UNSPACED_CHARS = 6;

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}

/** Whether the text may be such a name. */
export function isDeclaredName(text: string): boolean {
  if (!isName(text) || (text.length >= MIN_UNSPACED_CHARS && UNSPACED_SPEAKING.test(text))) return false;
  const parts = text.trim().split(/\s+/);
  if (parts.length === 1) return true;
  if (text.length > MAX_CHARS || parts.length > MAX_WORDS || PUNCTUATION.test(withoutBraces(text))) return false;
  if (parts.length < MIN_SENTENCE_WORDS) return true;
  if (isTitle(parts)) return true;
  if (parts.some((word, at) => isSpeaking(word, at, parts))) return false;
  if (ROLE.test(parts[0]!) || ROLE.test(parts.at(-1)!)) return true;
  return parts.length <= MAX_PHRASE_WORDS && !parts.some((word, at) => at > 0 && namesPerson(word, parts[at + 1]));
}

/** What a template has in braces is no part of a sentence. */
function withoutBraces(text: string): string {
  return text.replace(/\{[^{}]*\}/g, 'x');
}

/** Whether all words but those that join others begin with a capital, or with no letter. */
function isTitle(parts: readonly string[]): boolean {
  return parts.every((word) => !/^\p{Ll}/u.test(word) || JOINING.has(word));
}

/** The first word of a sentence has a capital, and so has `I`. */
function isSpeaking(word: string, at: number, parts: readonly string[]): boolean {
  const isInSentence = at === 0 ? /^\p{Ll}/u.test(parts[1] ?? '') : /^(?:\p{Ll}|I(?:'|$))/u.test(word);
  return isInSentence && SPEAKING.has(word.toLowerCase().replaceAll('’', "'"));
}

/** Two words with capitals among others without any: `for Anna Schmidt`. */
function namesPerson(word: string, next: string | undefined): boolean {
  return isCapitalised(word) && next !== undefined && isCapitalised(next);
}

function isCapitalised(word: string): boolean {
  return /^\p{Lu}\p{Ll}+$/u.test(word);
}
