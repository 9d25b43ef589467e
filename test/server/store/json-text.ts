/** JSON as clients may write it: mostly as `JSON.stringify` does, with keys that come twice. */
import fc from 'fast-check';

const seldom = (weight: number, often: fc.Arbitrary<string>, other: fc.Arbitrary<string>) =>
  fc.oneof({ weight, arbitrary: often }, { weight: 1, arbitrary: other });
const space = seldom(40, fc.constant(''), fc.constantFrom(' ', '\r\n\t'));
const parts = ['a', '\\"', '\\\\', '\\n', '{', '}', '[', ']', ',', ':', '-1', 'é', '😀', '\u2028', '\x7f'];
const text = fc.array(fc.constantFrom(...parts), { maxLength: 4 }).map((chosen) => `"${chosen.join('')}"`);
const anyText = seldom(20, text, fc.constantFrom('"\\u0041"', '"\\/"'));
const rewritten = ['-0', '1.0', '0.1e1', '1E5', '1e400', '9007199254740993'];
const plain = ['0', '1e+21', '-0.5', '1e-7', '12', 'true', 'false', 'null'];
export const jsonKey = seldom(6, fc.constantFrom('"inputs"', '"a"', '"__proto__"', '"toJSON"', '"1"', '"2"'), anyText);
/** Seldom adds spaces around the text. */
export const spaced = (value: fc.Arbitrary<string>) => fc.tuple(space, value, space).map((chosen) => chosen.join(''));
const { value } = fc.letrec<{ value: string }>((tie) => {
  const pair = fc.tuple(spaced(jsonKey), spaced(tie('value'))).map(([name, named]) => `${name}:${named}`);
  return {
    value: fc.oneof(
      { maxDepth: 4 },
      anyText,
      seldom(20, fc.constantFrom(...plain), fc.constantFrom(...rewritten)),
      fc.array(pair, { maxLength: 4 }).map((pairs) => `{${pairs.join(',')}}`),
      fc.array(spaced(tie('value')), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    ),
  };
});

export const jsonText = value;
