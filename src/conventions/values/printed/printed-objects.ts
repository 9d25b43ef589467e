/** Objects, messages and answers as programs print them: those of Python and Java, and of languages with texts in quotes. */
import { javaAnswerIn, mayBeJavaAnswer } from './java-answers.ts';
import { javaObjectIn } from './java-object.ts';
import { parsePrinted, startsAsPrinted } from './printed-literal.ts';
import { mayBeProtoText, protoTextIn } from './proto-text.ts';
import { parsePrintedFields, parsePythonLiteral, startsAsPython } from './python-literal.ts';

/** Reads an object as Python prints it, `ChatCompletion(id='…', choices=[…])`, or the fields of a message or an answer. */
export function printedIn(text: string): unknown {
  if (text.endsWith(')') && /^[A-Z]\w*(?:\[[^()\n]{1,200}\])?\(\w+=/.test(text))
    return javaObjectIn(text) ?? parsePythonLiteral(text);
  if (isPrinted(text)) return parsePrintedFields(text);
  const answer = javaAnswerIn(text);
  if (answer !== undefined || !endsWithBracket(text)) return answer;
  if (PYTHON_CONTAINER.test(text)) return parsePythonLiteral(text) ?? parsePrinted(text);
  return mayBeInCode(text) ? parsePrinted(text) : protoTextIn(text);
}

/** Most texts are words, and end with none. */
function endsWithBracket(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return BRACKETS.has(last === LINE_BREAK ? text.charCodeAt(text.length - 2) : last);
}

const LINE_BREAK = 0x0a;
/** Perl has a semicolon after the last one. */
const BRACKETS: ReadonlySet<number> = new Set(Array.from(')]}>;', (bracket) => bracket.charCodeAt(0)));

/** What Python prints around a dict or a list, and tuples of these. */
const PYTHON_CONTAINER =
  /^(?:[\w.]{0,100}(?:OrderedDict|defaultdict|Counter|mappingproxy|frozendict|immutabledict|MultiDict|deque|dict_items)\(|\(\s{0,20}[({[])/;

/** Whether a text begins with a sign or a name before its bracket. */
function mayBeInCode(text: string): boolean {
  return IN_CODE.test(text) && startsAsPrinted(text);
}

const IN_CODE =
  /^(?:[%#&(<\\]|\$VAR1 = |array ?\(|(?:\[\])?map\[|\[\]|(?:\w+\.)?[A-Z][\w.:]{0,200}(?:\(\d{1,9}\))? ?\{)/;

/** Whether a text begins as a language prints data, and not like JSON. */
export function startsInCode(text: string): boolean {
  return startsAsPython(text) || startsAsPrinted(text) || mayBeProtoText(text);
}

/** Fields that a printed message or answer begins with, and those that it has among the others. */
const PRINTED_START =
  /^(?:content=|generations=\[|candidates=\[|sdk_http_response=|(?:id|model|role)=['<][^'>]{0,200}['>] |object='chat)/;
const PRINTED_FIELD = / additional_kwargs=\{|ChatGeneration\(| choices=\[\w+\(|\bcandidates=\[\w+\(| message=\w+\(/;

/** Whether a text that does not begin like JSON may be a message, an answer, a list or an object as a program prints it. */
export function isPrintedBody(text: string): boolean {
  if (isPrinted(text) || mayBeJavaAnswer(text)) return true;
  return endsWithBracket(text) && (PYTHON_CONTAINER.test(text) || mayBeInCode(text) || mayBeProtoText(text));
}

function isPrinted(text: string): boolean {
  return PRINTED_START.test(text) && PRINTED_FIELD.test(text);
}
