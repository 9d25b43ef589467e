/**
 * Guardrails of the GenAI conventions: what was checked, what is left of it, and the verdict. Their keys have had three
 * beginnings: `gen_ai.guardrail.`, `gen_ai.security.`, and `gen_ai.guardian.` for the guardrail itself.
 */
import type { SpanEvent } from '../../../otel/span-slice.ts';
import { inputsAt } from '../../content/inputs.ts';
import type { Reading } from '../../convention.ts';
import { booleanOf, nameOf, numberOf, tokenOf, unlessEmpty } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { toOptionalText } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

export const GUARDRAIL_NAMES = [
  'gen_ai.guardrail.component.name',
  'gen_ai.security.guardrail.name',
  'gen_ai.guardian.name',
  'gen_ai.guardrail.name',
] as const;

const OPERATIONS: ReadonlySet<unknown> = new Set([
  ...['run_guardrail', 'apply_guardrail'],
  // Traceloop's.
  'guard',
]);
const FINDING = /^gen_ai\.(?:guardrail\.)?security\.finding$/;

const VERDICT = new FieldTable<Record<string, unknown>>({
  guardrail_verdict: [tokenOf, ...keysOf('verdict.type', 'decision.type', 'status')],
  guardrail_verdict_code: [codeOf, ...keysOf('verdict.code', 'decision.code')],
  guardrail_action: [tokenOf, ...keysOf('action.type')],
  guardrail_target: [tokenOf, ...keysOf('target.type')],
  guardrail_target_subtype: [tokenOf, ...keysOf('target.subtype')],
  guardrail_target_id: [nameOf, ...keysOf('target.id')],
  guardrail_modified: [booleanOf, ...keysOf('content.modified', 'content.redacted')],
  guardrail_finding_id: [nameOf, ...keysOf('external_finding_id', 'external_event_id')],
  ...policyAndRisk('guardrail_'),
});

const FINDINGS = new FieldTable<Record<string, unknown>>(policyAndRisk(''));

/** Returns nothing for a span of another operation. */
export function readGuardrail(fields: SpanFields): Reading {
  const { attributes, keys, span } = fields;
  if (!OPERATIONS.has(attributes['gen_ai.operation.name'])) return {};
  const output = fields.firstKey(...keysOf('content.output.value', 'output'));
  const findings = span.events.filter(({ name }) => FINDING.test(name)).map(readFinding);
  return {
    inputs: inputsAt(fields, fields.firstKey(...keysOf('content.input.value', 'input'))),
    output: output && toOptionalText(attributes[output]),
    metadata: {
      ...VERDICT.read(attributes, keys),
      guardrail_findings: findings.length > 0 ? findings : undefined,
    },
    contentMetadata: unlessEmpty({
      guardrail_reason: fields.firstString(...keysOf('verdict.reason', 'decision.reason')),
    }),
  };
}

function readFinding({ attributes = {} }: SpanEvent): Record<string, unknown> {
  return FINDINGS.read(attributes, Object.keys(attributes));
}

function policyAndRisk(prefix: string): Record<string, [(value: unknown) => unknown, ...string[]]> {
  return {
    [`${prefix}policy_id`]: [nameOf, ...keysOf('policy.id')],
    [`${prefix}policy_name`]: [nameOf, ...keysOf('policy.name')],
    [`${prefix}policy_version`]: [codeOf, ...keysOf('policy.version')],
    [`${prefix}policy_rule_id`]: [nameOf, ...keysOf('policy.rule.id')],
    [`${prefix}risk_category`]: [tokenOf, ...keysOf('risk.category')],
    [`${prefix}risk_severity`]: [tokenOf, ...keysOf('risk.severity')],
    [`${prefix}risk_score`]: [numberOf, ...keysOf('risk.score')],
  };
}

function keysOf(...names: readonly string[]): string[] {
  return names.flatMap((name) => [
    `gen_ai.guardrail.${name}`,
    `gen_ai.guardrail.security.${name}`,
    `gen_ai.security.${name}`,
  ]);
}

function codeOf(value: unknown): number | string | undefined {
  return typeof value === 'number' ? value : tokenOf(value);
}
