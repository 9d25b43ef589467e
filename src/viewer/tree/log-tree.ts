/**
 * The logs of a session as a forest: a turn for each trace, below it the logs by parent. Pure.
 *
 * Nothing is hidden: a log whose parent is not here stands at the top of its turn with a note, and a cycle of parents
 * is opened at the log that started first. Nothing recurses, since nesting has no limit.
 */
import type { LogLabel, SessionLog } from '../../server/store/viewer-store.ts';
import { NO_CONFIG } from './log-label.ts';

/** Tokens and cost are absent if no log gives them: unknown is not 0. */
export interface Sums {
  logs: number;
  errors: number;
  running: number;
  /** Durations of the innermost logs, which do the work; the logs above only wait for them. */
  seconds: number;
  promptTokens?: number;
  outputTokens?: number;
  cost?: number;
}

export interface LogNode {
  readonly log: SessionLog;
  readonly label: LogLabel;
  readonly children: LogNode[];
  parent?: LogNode;
  depth: number;
  /** Seconds since 1970. */
  readonly start: number;
  /** End of the log itself, not of the logs below it; absent while it runs. Seconds since 1970. */
  readonly ownEnd?: number;
  /** End of the log and all below it; a running log counts with its start. Seconds since 1970. */
  end: number;
  /** Sums of the log and all below it. */
  readonly sums: Sums;
  note?: 'missing parent' | 'parent elsewhere' | 'cycle';
}

export interface Turn {
  readonly id: string;
  readonly roots: LogNode[];
  readonly start: number;
  readonly end: number;
  readonly sums: Sums;
}

export interface LogTree {
  readonly turns: Turn[];
  readonly byId: ReadonlyMap<string, LogNode>;
}

export function buildTree(logs: Iterable<SessionLog>, configs: Readonly<Record<number, LogLabel>>): LogTree {
  const nodes = [...logs].map((log) => toNode(log, configs)).sort(byStart);
  const byKey = new Map(nodes.map((node) => [node.log.key, node]));
  const roots: LogNode[] = [];
  for (const node of nodes) {
    const parent = node.log.parent === undefined ? undefined : byKey.get(node.log.parent);
    if (parent && parent !== node) {
      node.parent = parent;
      parent.children.push(node);
      continue;
    }
    if (parent === node) node.note = 'cycle';
    else if (node.log.parent !== undefined) node.note = 'parent elsewhere';
    else if (node.log.missing_parent !== undefined) node.note = 'missing parent';
    roots.push(node);
  }
  openCycles(nodes, roots);
  addUp(roots);
  return { turns: toTurns(roots), byId: new Map(nodes.map((node) => [node.log.id, node])) };
}

/** Walks through the nodes and everything below them, parents before children. */
export function* descend(
  roots: readonly LogNode[],
  isOpen: (node: LogNode) => boolean = () => true,
): Generator<LogNode> {
  const stack = roots.toReversed();
  for (let node = stack.pop(); node; node = stack.pop()) {
    yield node;
    if (isOpen(node)) for (const child of node.children.toReversed()) stack.push(child);
  }
}

function toNode(log: SessionLog, configs: Readonly<Record<number, LogLabel>>): LogNode {
  const start = Date.parse(log.created_at) / 1000;
  const ownEnd = log.running ? undefined : start + Math.max(0, log.duration ?? 0);
  const sums: Sums = {
    logs: 1,
    errors: log.error === undefined ? 0 : 1,
    running: log.running ? 1 : 0,
    seconds: log.duration ?? 0,
  };
  if (log.prompt_tokens !== undefined) sums.promptTokens = log.prompt_tokens;
  if (log.output_tokens !== undefined) sums.outputTokens = log.output_tokens;
  if (log.cost !== undefined) sums.cost = log.cost;
  const label = (log.config !== undefined && configs[log.config]) || NO_CONFIG;
  return {
    log,
    label,
    children: [],
    depth: 0,
    start,
    ...(ownEnd !== undefined && { ownEnd }),
    end: ownEnd ?? start,
    sums,
  };
}

/** A node that no root leads to is in a cycle or below one. */
function openCycles(nodes: readonly LogNode[], roots: LogNode[]): void {
  const reached = new Set(descend(roots));
  for (const node of nodes) {
    if (reached.has(node)) continue;
    const first = earliestOfCycle(node);
    first.parent!.children.splice(first.parent!.children.indexOf(first), 1);
    delete first.parent;
    first.note = 'cycle';
    roots.push(first);
    for (const member of descend([first])) reached.add(member);
  }
  roots.sort(byStart);
}

function earliestOfCycle(start: LogNode): LogNode {
  const seen = new Set<LogNode>();
  let node = start;
  while (!seen.has(node)) {
    seen.add(node);
    node = node.parent!;
  }
  let first = node;
  for (let member = node.parent!; member !== node; member = member.parent!) {
    if (byStart(member, first) < 0) first = member;
  }
  return first;
}

function addUp(roots: readonly LogNode[]): void {
  const order = [...descend(roots)];
  for (const node of order) {
    node.depth = node.parent ? node.parent.depth + 1 : 0;
    if (node.children.length > 0) node.sums.seconds = 0;
  }
  for (const node of order.toReversed()) {
    if (!node.parent) continue;
    add(node.parent.sums, node.sums);
    node.parent.end = Math.max(node.parent.end, node.end);
  }
}

function toTurns(roots: readonly LogNode[]): Turn[] {
  const turns = new Map<string, LogNode[]>();
  for (const root of roots) {
    const id = root.log.trace ?? root.log.id;
    const members = turns.get(id);
    if (members) members.push(root);
    else turns.set(id, [root]);
  }
  return [...turns].map(([id, members]) => {
    const sums: Sums = { logs: 0, errors: 0, running: 0, seconds: 0 };
    for (const { sums: more } of members) add(sums, more);
    return { id, roots: members, start: members[0]!.start, end: Math.max(...members.map(({ end }) => end)), sums };
  });
}

function add(into: Sums, more: Sums): void {
  into.logs += more.logs;
  into.errors += more.errors;
  into.running += more.running;
  into.seconds += more.seconds;
  for (const name of ['promptTokens', 'outputTokens', 'cost'] as const) {
    const value = more[name];
    if (value !== undefined) into[name] = (into[name] ?? 0) + value;
  }
}

function byStart(left: LogNode, right: LogNode): number {
  return left.start - right.start || left.log.key - right.log.key;
}
