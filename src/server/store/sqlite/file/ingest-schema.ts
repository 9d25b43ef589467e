/** The tables of what is remembered of traces whose spans come in several requests. */

export const INGEST_MIGRATION = `
  -- seen_at is in Unix milliseconds.
  CREATE TABLE traces (
    key INTEGER PRIMARY KEY,
    trace_id TEXT NOT NULL UNIQUE,
    last_part INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  );
  CREATE INDEX traces_by_time ON traces (seen_at);
  CREATE TABLE trace_parts (
    trace_key INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
    part INTEGER NOT NULL,
    spans BLOB NOT NULL,
    PRIMARY KEY (trace_key, part)
  );
  CREATE TABLE trace_contents (
    trace_key INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
    reference_id TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (trace_key, reference_id)
  );

  -- A client that deletes a log means its content. A log that is merged into another one has lost its reference before.
  CREATE TRIGGER trace_contents_delete AFTER DELETE ON logs WHEN length(OLD.reference_id) = 49 BEGIN
    DELETE FROM trace_contents
    WHERE trace_key = (SELECT key FROM traces WHERE trace_id = substr(OLD.reference_id, 1, 32));
  END;
`;

/** By what spans of several traces find each other: see `CallKey`. */
export const CALLS_MIGRATION = `
  CREATE TABLE trace_calls (
    call_key BLOB NOT NULL,
    start_millis INTEGER NOT NULL,
    trace_key INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
    span_id TEXT NOT NULL,
    end_millis INTEGER NOT NULL,
    reporter BLOB NOT NULL,
    PRIMARY KEY (call_key, start_millis, trace_key, span_id)
  ) WITHOUT ROWID;
  CREATE INDEX trace_calls_by_trace ON trace_calls (trace_key, span_id);

  -- Its log may have had content of spans of other traces that report the same call.
  CREATE TRIGGER trace_calls_delete AFTER DELETE ON logs WHEN length(OLD.reference_id) = 49 BEGIN
    DELETE FROM trace_contents WHERE trace_key IN (
      SELECT other.trace_key FROM traces
      JOIN trace_calls AS own ON own.trace_key = traces.key AND own.span_id = substr(OLD.reference_id, 34)
      JOIN trace_calls AS other ON other.call_key = own.call_key
        AND other.start_millis BETWEEN own.start_millis - 3600000 AND own.end_millis + 5
        AND other.end_millis >= own.start_millis - 5
      WHERE traces.trace_id = substr(OLD.reference_id, 1, 32));
  END;
`;
