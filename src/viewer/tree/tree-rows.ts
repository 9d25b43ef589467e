/** The rows of the tree that are not folded away, and where the arrow keys lead. Pure. */
import { descend, type LogNode, type LogTree, type Turn } from './log-tree.ts';

export type TreeRow =
  | { kind: 'turn'; id: string; turn: Turn; number: number }
  | { kind: 'log'; id: string; node: LogNode; turn: Turn };

/** `collapsed` has the ids of turns (see `turnId`) and of logs. */
export function toRows(tree: LogTree, collapsed: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [];
  tree.turns.forEach((turn, index) => {
    rows.push({ kind: 'turn', id: turnId(turn), turn, number: index + 1 });
    if (collapsed.has(turnId(turn))) return;
    for (const node of descend(turn.roots, ({ log }) => !collapsed.has(log.id))) {
      rows.push({ kind: 'log', id: node.log.id, node, turn });
    }
  });
  return rows;
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
      if (row.kind === 'turn') return undefined;
      return { select: row.node.parent ? row.node.parent.log.id : turnId(row.turn) };
    }
    default:
      return undefined;
  }
}

export function hasChildren(row: TreeRow): boolean {
  return row.kind === 'turn' || row.node.children.length > 0;
}
