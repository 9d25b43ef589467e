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
