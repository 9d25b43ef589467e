/**
 * A PostgreSQL cluster for a benchmark, in a process of its own that a loader runs: it is not measured, and the clusters
 * of the tests are not compiled for the bench. `argv[2]` is the name of the version; without one, it sends the names of
 * those that are here.
 */
import { findPostgres, startPostgres } from '../test/support/postgres/cluster.ts';
import type { ClusterState } from './postgres.ts';

/** A server of a few gigabytes. The commit waits for the disk, as it is by default. */
const SETTINGS = ['shared_buffers=512MB', 'max_wal_size=4GB', 'effective_cache_size=2GB'];

const name = process.argv[2];
const found = findPostgres();
const binaries = found.find((each) => each.name === name);
if (!binaries)
  process.send?.(
    found.map((each) => each.name),
    () => process.disconnect(),
  );
else {
  const cluster = await startPostgres(binaries, SETTINGS);
  const tell = () => process.send?.({ url: cluster.url, cpuMicros: cluster.cpuMicros() } satisfies ClusterState);
  process.on('message', tell);
  process.on('disconnect', () => void cluster.stop().then(() => process.exit()));
  tell();
}
