/**
 * Which texts may be the name of an agent, a tool or a prompt. Frameworks take any text for one: apps pass what a user has
 * asked for, or what an agent is to do. A name has few words; it does not speak of persons, ask, or end with a full stop.
 *
 * Where the place is that of a tool, a phrase of up to six words without any of that stays: `Search the internet with Serper` is
 * a tool of CrewAI. Tools have names in the app's code, since a model is to call them by these. Elsewhere a phrase may be what
 * somebody has asked for, and has three words at most, unless it is a title or says that it is somebody who works.
 */
import { isName } from './structure-texts.ts';

const MAX_CHARS = 80;
const MAX_WORDS = 9;
/** In the place of a tool, and in all others. */
const MAX_TOOL_PHRASE_WORDS = 6;
const MAX_PHRASE_WORDS = 3;
/** Of scripts without capitals, in which no title is told from a sentence. */
const MAX_CASELESS_WORDS = 5;
/** With fewer words even a sentence says little. */
const MIN_SENTENCE_WORDS = 3;

/** Marks that end or divide sentences. */
const PUNCTUATION = /[?!;…？！。，；]|[,:.]\s|[.,:]$|@\S+\.\w/;
/** A server with its tool, or an operation with what it is of: `github: search_issues`, `ChatCompletion: gpt-4o`. */
const LABEL = /^(\S+(?: \S+)?):\s(?=\S)/;
/** The marks of lists and of what is short for more: `Writer, Editor & Co`, `Acme Inc. Support Agent`. */
const INNER_MARK = /[,.](?=\s)/g;
/** What only sentences say, of themselves or of others. */
const SPEAKING = words(
  `i i'm i'd i've my me mine myself you yours yourself we ours us he she his him her hers they their them
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
/**
 * I, you, she and he where they are no part of another word, such as `自我`, `隐私` and `吉他`, and the ends of questions, wishes
 * and polite sentences.
 */
const UNSPACED_SPEAKING =
  /(?<!自)我|[你您她吗呢]|(?<![其吉利])他|です|ます|ください|[私僕](?=[はがのもをにた])|(?:세요|니다|까요|줘)(?:\s|$)/;
const MIN_UNSPACED_CHARS = 6;

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}

/** Whether the text may be such a name. `isTool`: it stands where only a tool's can. */
export function isDeclaredName(text: string, isTool = false): boolean {
  if (!isName(text) || (text.length >= MIN_UNSPACED_CHARS && UNSPACED_SPEAKING.test(text))) return false;
  const words = withoutShortMarks(text.trim().replace(LABEL, '$1 ').replace(BRAND, '$1'));
  const parts = words.split(/\s+/);
  if (parts.length === 1) return true;
  if (words.length > MAX_CHARS || parts.length > MAX_WORDS) return false;
  if (PUNCTUATION.test(withoutBraces(words))) return isTitleOfRole(words);
  if (parts.length < MIN_SENTENCE_WORDS) return true;
  if (isTitle(parts)) return true;
  if (parts.some((word, at) => isSpeaking(word, at, parts))) return false;
  if (ROLE.test(parts[0]!) || ROLE.test(parts.at(-1)!)) return true;
  const maxWords = isTool ? MAX_TOOL_PHRASE_WORDS : MAX_PHRASE_WORDS;
  if (parts.length > (parts.some(isCaseless) ? MAX_CASELESS_WORDS : maxWords)) return false;
  return !parts.some((word, at) => at > 0 && namesPerson(word, parts[at + 1]));
}

/** Whether words with marks between them are a title all the same, and say that it is somebody or something that works. */
function isTitleOfRole(words: string): boolean {
  const unmarked = words.replace(INNER_MARK, '');
  const parts = unmarked.split(/\s+/);
  return !PUNCTUATION.test(unmarked) && isTitle(parts) && parts.some((word) => ROLE.test(word));
}

/** `Yahoo! Finance`. */
const BRAND =
  /^(?!(?:Hello|Hi|Hey|Help|Please|Thanks|Stop|Sorry|Wait|No|Yes|Ok|OK|Oh|Dear)\b)(\p{Lu}[\p{L}\d]*)[!?](?= \p{Lu}\p{L}*(?: \p{Lu}\p{L}*)?$)/u;
/** A word that is short for more. */
const SHORT_WORD = /(?<![\p{L}\d])(Dr|St|Prof|Mr|Mrs|Ms|Inc|Ltd|Co|No|vs|Jr|Sr)\.(?= )/gu;

/** In a title such a word ends no sentence: `Dr. House`. */
function withoutShortMarks(words: string): string {
  const unmarked = words.replace(SHORT_WORD, '$1');
  return unmarked !== words && isTitle(unmarked.split(/\s+/)) ? unmarked : words;
}

/** What a template has in braces is no part of a sentence. */
function withoutBraces(text: string): string {
  return text.replace(/\{[^{}]*\}/g, 'x');
}

/** Whether all words but those that join others begin with a capital, or with no letter. */
function isTitle(parts: readonly string[]): boolean {
  return parts.every((word) => !/^[\p{Ll}\p{Lo}]/u.test(word) || JOINING.has(word));
}

function isCaseless(word: string): boolean {
  return /^\p{Lo}/u.test(word);
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
