/** The rows of the tree that are not folded away, and where the arrow keys lead. Pure. */
import { descend, type LogNode, type LogTree, type Turn } from './log-tree.ts';

export type TreeRow =
  | { kind: 'turn'; id: string; turn: Turn; number: number }
  | {
      kind: 'log';
      id: string;
      node: LogNode;
      turn: Turn;
      /** Present where the row stands for its turn too. */
      number?: number;
    };

/**
 * `collapsed` has the ids of turns (see `turnId`) and of logs. With a `type`, only its logs are there, and nothing is
 * closed.
 */
export function toRows(tree: LogTree, collapsed: ReadonlySet<string>, type?: string): TreeRow[] {
  const rows: TreeRow[] = [];
  tree.turns.forEach((turn, index) => {
    const [only] = turn.roots;
    if (isSingle(turn) && only) {
      if (type === undefined || only.label.type === type) {
        rows.push({ kind: 'log', id: only.log.id, node: only, turn, number: index + 1 });
      }
      return;
    }
    const row: TreeRow = { kind: 'turn', id: turnId(turn), turn, number: index + 1 };
    if (type === undefined) {
      rows.push(row);
      if (collapsed.has(row.id)) return;
    }
    const logs: TreeRow[] = [];
    for (const node of descend(turn.roots, ({ log }) => type !== undefined || !collapsed.has(log.id))) {
      if (type === undefined || node.label.type === type) logs.push({ kind: 'log', id: node.log.id, node, turn });
    }
    if (type !== undefined && logs.length > 0) rows.push(row);
    for (const log of logs) rows.push(log);
  });
  return rows;
}

/** A turn of one log is one row. */
export function isSingle({ roots: [first, ...others] }: Turn): boolean {
  return first !== undefined && others.length === 0 && first.children.length === 0;
}

/** The innermost logs, which do the work, slowest first. */
export function slowestFirst(tree: LogTree): LogNode[] {
  return [...tree.byId.values()]
    .filter(({ children, log }) => children.length === 0 && log.duration !== undefined)
    .sort((left, right) => right.log.duration! - left.log.duration!);
}

/** Logs with an error, from the top of the tree down. */
export function failedOf(tree: LogTree): LogNode[] {
  return [...descend(tree.turns.flatMap(({ roots }) => roots))].filter(({ log }) => log.error !== undefined);
}

/** Returns the one after the current one, and after the last one the first. */
export function nextOf(nodes: readonly LogNode[], current: string | undefined): LogNode | undefined {
  return nodes[(nodes.findIndex(({ log }) => log.id === current) + 1) % nodes.length];
}

/** Differs from the ids of all logs: a turn without a trace has the id of its log. */
export function turnId(turn: Turn): string {
  return `turn ${turn.id}`;
}

export type TreeMove = { select: string } | { open: string } | { close: string } | undefined;

/** Follows the tree pattern of ARIA: left closes, then goes up; right opens, then goes down. */
export function moveInTree(
  rows: readonly TreeRow[],
  collapsed: ReadonlySet<string>,
  current: string | undefined,
  key: string,
): TreeMove {
  const at = rows.findIndex((row) => row.id === current);
  const row = rows[at];
  const select = (index: number): TreeMove => {
    const target = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    return target && target.id !== current ? { select: target.id } : undefined;
  };
  switch (key) {
    case 'ArrowDown':
      return select(at + 1);
    case 'ArrowUp':
      return select(at < 0 ? 0 : at - 1);
    case 'Home':
      return select(0);
    case 'End':
      return select(rows.length - 1);
    case 'ArrowRight':
      if (!row || !hasChildren(row)) return undefined;
      return collapsed.has(row.id) ? { open: row.id } : select(at + 1);
    case 'ArrowLeft': {
      if (!row) return undefined;
      if (hasChildren(row) && !collapsed.has(row.id)) return { close: row.id };
      if (row.kind === 'turn' || isSingle(row.turn)) return undefined;
      return { select: row.node.parent ? row.node.parent.log.id : turnId(row.turn) };
    }
    default:
      return undefined;
  }
}

export function hasChildren(row: TreeRow): boolean {
  return row.kind === 'turn' || row.node.children.length > 0;
}
