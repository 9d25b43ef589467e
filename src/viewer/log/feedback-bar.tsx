/** Feedback on the log, in the types of v4. It is shown at once, and taken back if the server refuses it. */
import { useEffect, useState } from 'preact/hooks';
import type { Feedback, LogResponse } from '../../wire/v4.ts';
import { toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { post } from '../state/api.ts';

const RATING = 'rating';
const COMMENT = 'comment';

export function FeedbackBar({ log, onChange }: { log: LogResponse; onChange: () => void }) {
  const [given, setGiven] = useState(() => listOf(log));
  const [comment, setComment] = useState<string>();
  const [problem, setProblem] = useState('');
  useEffect(() => setGiven(listOf(log)), [log]);

  const send = async (feedback: { type: string; value: string; unset?: true }, shown: Feedback[]) => {
    const before = given;
    setGiven(shown);
    setProblem('');
    try {
      await post('/v4/feedback', { ...feedback, data_id: log.id });
      onChange();
    } catch (error) {
      setGiven(before);
      setProblem((error as Error).message);
    }
  };
  const rating = given.findLast(({ type }) => type === RATING)?.value;
  const rate = async (value: 'good' | 'bad') => {
    const others = given.filter(({ type }) => type !== RATING);
    if (rating === value) return send({ type: RATING, value, unset: true }, others);
    if (typeof rating === 'string')
      await post('/v4/feedback', { type: RATING, value: rating, unset: true, data_id: log.id }).catch(() => {});
    return send({ type: RATING, value }, [...others, { type: RATING, value }]);
  };
  const say = (event: SubmitEvent) => {
    event.preventDefault();
    const value = comment?.trim();
    setComment(undefined);
    if (value) void send({ type: COMMENT, value }, [...given, { type: COMMENT, value }]);
  };
  const others = given.filter(({ type, value }) => type !== RATING || (value !== 'good' && value !== 'bad'));
  return (
    <div class="feedback" role="group" aria-label="Feedback">
      <RateButton name="up" label="Good" isOn={rating === 'good'} onClick={() => void rate('good')} />
      <RateButton name="down" label="Bad" isOn={rating === 'bad'} onClick={() => void rate('bad')} />
      {comment === undefined ? (
        <button type="button" class="quiet" onClick={() => setComment('')}>
          Comment
        </button>
      ) : (
        <form class="comment-form" onSubmit={say}>
          <input
            ref={(input) => input?.focus()}
            aria-label="Comment"
            value={comment}
            maxLength={5_000}
            onInput={(event) => setComment(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape') return;
              event.stopPropagation();
              setComment(undefined);
            }}
          />
          <button type="submit" class="primary">
            Add
          </button>
        </form>
      )}
      {others.map(({ type, value }, index) => (
        <span key={index} class="chip">
          <span class="dim">{toVisibleText(type)}</span>{' '}
          <bdi>{toVisibleText(typeof value === 'string' ? value : JSON.stringify(value))}</bdi>
        </span>
      ))}
      {problem && (
        <span role="alert" class="problem">
          {problem}
        </span>
      )}
    </div>
  );
}

function RateButton({
  name,
  label,
  isOn,
  onClick,
}: {
  name: 'up' | 'down';
  label: string;
  isOn: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={`quiet square rate-${name}`}
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={name} />
    </button>
  );
}

function listOf(log: LogResponse): Feedback[] {
  return Array.isArray(log.feedback) ? log.feedback : log.feedback ? [log.feedback] : [];
}
