/**
 * Markdown as elements, never as markup: HTML in the text is shown as it is written. Links tell their target nothing
 * about this page, and images are not fetched.
 */
import { Lexer, type Token, type Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { RemoteImage } from '../parts/remote-image.tsx';

const MAX_DEPTH = 30;

export function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => parse(text), [text]);
  return (
    <div class="markdown" dir="auto">
      {tokens ? renderAll(tokens, 0) : <p class="plain">{text}</p>}
    </div>
  );
}

/**
 * The lexer takes time with the square of the marks that stand in one paragraph: one that has more is shown as it is
 * written.
 */
const MAX_MARKS = 1_000;
const FENCED = /^ {0,3}(```+|~~~+)[\s\S]*?(?:^ {0,3}\1|$(?![\s\S]))/gm;
/** Where another paragraph, item or row begins. */
const BLOCK_START = /\n\s*\n|\n(?=\s*(?:[-*+>#|]|\d+[.)]))/;

/** Returns `undefined` for a text that is better shown as it is. */
function parse(text: string): Token[] | undefined {
  if (countMarks(text) > MAX_MARKS) {
    const blocks = text.replaceAll(FENCED, '').split(BLOCK_START);
    if (blocks.some((block) => countMarks(block) > MAX_MARKS)) return undefined;
  }
  try {
    return new Lexer({ gfm: true, breaks: true }).lex(text);
  } catch {
    return undefined;
  }
}

function countMarks(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) if ('*_~`[]<>!'.includes(text[at]!)) count += 1;
  return count;
}

function renderAll(tokens: readonly Token[] | undefined, depth: number): ComponentChildren {
  return tokens?.map((token) => render(token, depth));
}

function render(token: Token, depth: number): ComponentChildren {
  if (depth > MAX_DEPTH) return token.raw;
  const inner = () => renderAll((token as Tokens.Generic).tokens, depth + 1);
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading': {
      // The page itself uses the levels up to the third.
      const Heading = `h${Math.min(6, token['depth'] + 3)}` as 'h4';
      return <Heading>{inner()}</Heading>;
    }
    case 'paragraph':
      return <p>{inner()}</p>;
    case 'text':
      return 'tokens' in token && token.tokens ? inner() : decodeEntities(token['text']);
    case 'escape':
      return decodeEntities(token['text']);
    case 'strong':
      return <strong>{inner()}</strong>;
    case 'em':
      return <em>{inner()}</em>;
    case 'del':
      return <del>{inner()}</del>;
    case 'br':
      return <br />;
    case 'hr':
      return <hr />;
    case 'codespan':
      return <code>{token['text']}</code>;
    case 'code':
      return (
        <pre class="code" tabIndex={0} role="region" aria-label="Code">
          <code>{token['text']}</code>
        </pre>
      );
    case 'blockquote':
      return <blockquote>{inner()}</blockquote>;
    case 'list':
      return renderList(token as Tokens.List, depth);
    case 'table':
      return renderTable(token as Tokens.Table, depth);
    case 'link':
      return renderLink(token as Tokens.Link, inner());
    case 'image':
      return <RemoteImage url={token['href']} alt={token['text']} />;
    default:
      // HTML, and anything that a later version of the lexer adds.
      return token.raw;
  }
}

function renderList(list: Tokens.List, depth: number): ComponentChildren {
  const items = list.items.map((item, index) => (
    <li key={index}>
      {item.task && <input type="checkbox" checked={item.checked === true} disabled aria-label="task" />}
      {renderAll(
        item.tokens.filter(({ type }) => type !== 'checkbox'),
        depth + 1,
      )}
    </li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function renderTable(table: Tokens.Table, depth: number): ComponentChildren {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, index) => (
              <th key={index}>{renderAll(cell.tokens, depth + 1)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, index) => (
                <td key={index}>{renderAll(cell.tokens, depth + 1)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function renderLink(link: Tokens.Link, children: ComponentChildren): ComponentChildren {
  if (!/^(https?:\/\/|mailto:)/i.test(link.href)) return link.raw;
  return (
    <a href={link.href} title={link.href} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
    </a>
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
};

/** Decodes the few entities that models write. The result is text, never markup. */
function decodeEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
