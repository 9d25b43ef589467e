/** Objects, messages and answers as the programs of Python and Java print them. */
import { javaAnswerIn, mayBeJavaAnswer } from './java-answers.ts';
import { javaObjectIn } from './java-object.ts';
import { parsePrintedFields, parsePythonLiteral } from './python-literal.ts';

/** Reads an object as Python prints it, `ChatCompletion(id='…', choices=[…])`, or the fields of a message or an answer. */
export function printedIn(text: string): unknown {
  if (text.endsWith(')') && /^[A-Z]\w*(?:\[[^()\n]{1,200}\])?\(\w+=/.test(text))
    return javaObjectIn(text) ?? parsePythonLiteral(text);
  return isPrinted(text) ? parsePrintedFields(text) : javaAnswerIn(text);
}

/** Fields that a printed message or answer begins with, and those that it has among the others. */
const PRINTED_START =
  /^(?:content=|generations=\[|candidates=\[|sdk_http_response=|(?:id|model|role)=['<][^'>]{0,200}['>] |object='chat)/;
const PRINTED_FIELD = / additional_kwargs=\{|ChatGeneration\(| choices=\[\w+\(|\bcandidates=\[\w+\(| message=\w+\(/;

/** Whether a text may be a message or an answer as Pydantic prints it, without its class, or as Java does. */
export function isPrintedBody(text: string): boolean {
  return isPrinted(text) || mayBeJavaAnswer(text);
}

function isPrinted(text: string): boolean {
  return PRINTED_START.test(text) && PRINTED_FIELD.test(text);
}
