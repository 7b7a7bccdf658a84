import { parentPort, workerData } from 'node:worker_threads';
import { drawStats } from './draw-stats.ts';
import type { StatsPicture } from './picture.ts';

// Given by `drawStatsAside` alone.
parentPort?.postMessage(drawStats(workerData as StatsPicture));
