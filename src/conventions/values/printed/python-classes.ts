/** Classes that Python prints by their arguments only, though the class itself says something: dates, and parts of messages. */

/** What Pydantic AI leaves out of a message and of its parts: the fields with the same value in all objects of a class. */
const PRINTED_CLASSES: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['ModelRequest', ['kind', 'request']],
  ['ModelResponse', ['kind', 'response']],
  ['SystemPromptPart', ['part_kind', 'system-prompt']],
  ['UserPromptPart', ['part_kind', 'user-prompt']],
  ['ToolReturnPart', ['part_kind', 'tool-return']],
  ['RetryPromptPart', ['part_kind', 'retry-prompt']],
  ['TextPart', ['part_kind', 'text']],
  ['ThinkingPart', ['part_kind', 'thinking']],
  ['ToolCallPart', ['part_kind', 'tool-call']],
  ['BuiltinToolCallPart', ['part_kind', 'builtin-tool-call']],
  ['BuiltinToolReturnPart', ['part_kind', 'builtin-tool-return']],
]);

/** Returns the fields with what the class says; of any other class, the fields themselves. */
export function withPrintedClass(type: string, fields: Record<string, unknown>): Record<string, unknown> {
  const said = PRINTED_CLASSES.get(type);
  if (!said || fields[said[0]] !== undefined) return fields;
  // Other frameworks have classes of these names, with other fields.
  return BODY_KEYS.some((key) => key in fields) ? { [said[0]]: said[1], ...fields } : fields;
}

const BODY_KEYS = ['parts', 'content', 'args'] as const;

const DATE = /(?:^|\.)(datetime|date|time)$/;
const UTC: ReadonlySet<unknown> = new Set(['UTC', 0, 'datetime.timezone.utc', 'datetime.UTC', '<UTC>']);

/** Returns the text of a date in ISO 8601; undefined for any other class. The name of a time zone is left out. */
export function dateOf(
  name: string,
  values: readonly unknown[],
  { tzinfo }: Readonly<Record<string, unknown>>,
): string | undefined {
  const kind = DATE.exec(name)?.[1];
  if (kind === undefined || !values.every((value) => typeof value === 'number')) return undefined;
  const [date, time] = kind === 'time' ? [[], values] : [values.slice(0, 3), values.slice(3)];
  if (kind !== 'time' && date.length < 3) return undefined;
  const day = date.map((value, at) => `${value}`.padStart(at === 0 ? 4 : 2, '0')).join('-');
  if (kind === 'date') return day;
  const [hours = 0, minutes = 0, seconds = 0, micros] = time;
  const clock = [hours, minutes, seconds].map((value) => `${value}`.padStart(2, '0')).join(':');
  const fraction = micros ? `.${`${micros}`.padStart(6, '0')}` : '';
  return `${day}${kind === 'time' ? '' : 'T'}${clock}${fraction}${UTC.has(tzinfo) ? '+00:00' : ''}`;
}
