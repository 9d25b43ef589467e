/** What `humanloop-otel/register` is in edge runtimes, workers and browsers. */
import { reportOnce } from './does-nothing.ts';

reportOnce();
