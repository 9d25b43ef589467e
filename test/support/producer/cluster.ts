/** The primary of a cluster whose workers are producers. It ends when all workers have ended. */
import cluster from 'node:cluster';
import type { Plan } from './producer.ts';

const plans = JSON.parse(process.env['PLANS'] as string) as Plan[];
cluster.setupPrimary({ exec: process.env['PRODUCER'] as string, execArgv: ['--unhandled-rejections=strict'] });
const workers = plans.map((plan) => cluster.fork({ PLAN: JSON.stringify(plan) }));
let left = workers.length;
for (const worker of workers) {
  worker.on('exit', () => {
    if (--left === 0) process.exit(0);
  });
}
console.log(workers.map((worker) => worker.process.pid).join(' '));
