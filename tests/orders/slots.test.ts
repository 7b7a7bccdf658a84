import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { type RunInSlot, type Slot, shareSlots } from '../../src/orders/slots.ts';

const NEVER = new AbortController().signal;

interface Job {
  readonly slot: Slot;
  end(): Promise<void>;
}

/** Workers by hand: a job goes to the one that has looked for it longest. */
function openSlots(size: number, spare: number) {
  const workers = new Set<RunInSlot>();
  const looking: RunInSlot[] = [];
  shareSlots({
    size,
    spare,
    hire(run) {
      workers.add(run);
      looking.push(run);
      return () => {
        workers.delete(run);
        const index = looking.indexOf(run);
        if (index >= 0) looking.splice(index, 1);
      };
    },
  });
  return {
    looking: () => looking.length,
    workers: () => workers.size,
    /** Hands a job to a worker; undefined when none looks for one. */
    async begin(): Promise<Job | undefined> {
      const run = looking.shift();
      if (!run) return undefined;
      const begun = Promise.withResolvers<Slot>();
      const ending = Promise.withResolvers<void>();
      const ended = run((slot) => {
        begun.resolve(slot);
        return ending.promise;
      }, NEVER);
      return {
        slot: await begun.promise,
        async end() {
          ending.resolve();
          await ended;
          if (workers.has(run)) looking.push(run);
        },
      };
    },
  };
}

async function mustBegin(slots: ReturnType<typeof openSlots>): Promise<Job> {
  const job = await slots.begin();
  assert.ok(job, 'a worker looks for a job');
  return job;
}

describe('slots', () => {
  it('let one worker after the other look for a job, as long as there are slots', async () => {
    const slots = openSlots(2, 1);
    assert.equal(slots.looking(), 1);
    await mustBegin(slots);
    assert.equal(slots.looking(), 1);
    await mustBegin(slots);
    assert.equal(slots.looking(), 0);
  });

  it('bring another worker when one gives its slot away, up to the spare ones', async () => {
    const slots = openSlots(2, 1);
    const first = await mustBegin(slots);
    const second = await mustBegin(slots);
    first.slot.release();
    first.slot.release();
    assert.equal(slots.looking(), 1);
    second.slot.release();
    assert.equal(slots.looking(), 1);
    assert.equal(slots.workers(), 3);
    await first.end();
    assert.equal(slots.looking(), 1);
    assert.equal(slots.workers(), 2);
    await second.end();
    assert.equal(slots.looking(), 1);
    assert.equal(slots.workers(), 1);
  });

  it('go back to a worker before anybody looks for a new job', async () => {
    const slots = openSlots(1, 1);
    const job = await mustBegin(slots);
    job.slot.release();
    assert.equal(slots.looking(), 1);
    await job.slot.take(NEVER);
    assert.equal(slots.looking(), 0);
    await job.end();
    assert.equal(slots.looking(), 1);
  });

  it('are handed out in the order of asking', async () => {
    const slots = openSlots(1, 3);
    const jobs: Job[] = [];
    for (let index = 0; index < 4; index += 1) {
      const job = await mustBegin(slots);
      jobs.push(job);
      if (index < 3) job.slot.release();
    }
    const served: number[] = [];
    for (const index of [1, 0, 2]) {
      void jobs[index]?.slot.take(NEVER).then(() => served.push(index));
    }
    for (const index of [3, 1, 0]) {
      jobs[index]?.slot.release();
      await nextTurn();
    }
    assert.deepEqual(served, [1, 0, 2]);
  });

  it('are no longer waited for after an abort, and not lost', async () => {
    const slots = openSlots(1, 1);
    const first = await mustBegin(slots);
    first.slot.release();
    const second = await mustBegin(slots);
    const stop = new AbortController();
    const asked = first.slot.take(stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(asked, /enough/);
    await assert.rejects(first.slot.take(stop.signal), /enough/);
    await first.end();
    await second.end();
    assert.equal(slots.looking(), 1);
  });

  it('are given back by a job that fails', async () => {
    let run: RunInSlot | undefined;
    let hired = 0;
    shareSlots({
      size: 1,
      spare: 0,
      hire(newest) {
        hired += 1;
        run = newest;
        return () => undefined;
      },
    });
    await assert.rejects(
      async () => run?.(() => Promise.reject(new Error('broken')), NEVER),
      /broken/,
    );
    assert.equal(await run?.(async () => 'done', NEVER), 'done');
    assert.equal(hired, 1);
  });

  it('make a job wait whose worker lost its slot while the job was on its way', async () => {
    const runs: RunInSlot[] = [];
    shareSlots({
      size: 1,
      spare: 1,
      hire(run) {
        runs.push(run);
        return () => undefined;
      },
    });
    const [first, second] = await new Promise<[Slot, RunInSlot]>((resolve, reject) => {
      void runs[0]?.(async (slot) => {
        slot.release();
        const [, other] = runs;
        if (!other) return reject(new Error('Nobody came for the free slot'));
        await slot.take(NEVER);
        resolve([slot, other]);
        await new Promise(() => undefined);
      }, NEVER);
    });
    let began = false;
    const late = second(async () => {
      began = true;
    }, NEVER);
    await nextTurn();
    assert.equal(began, false);
    first.release();
    await late;
    assert.equal(began, true);
  });

  it('are never more in use than there are, nor idle while somebody may use them', async () => {
    const step = fc.constantFrom('begin', 'release', 'take', 'end');
    const steps = fc.array(fc.tuple(step, fc.nat(20)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(3),
        steps,
        async (size, spare, all) => {
          const slots = openSlots(size, spare);
          const jobs: { job: Job; holds: boolean; asks: boolean }[] = [];
          for (const [kind, pick] of all) {
            const chosen = jobs[pick % Math.max(1, jobs.length)];
            if (kind === 'begin') {
              const job = await slots.begin();
              if (job) jobs.push({ job, holds: true, asks: false });
            } else if (chosen && kind === 'release' && !chosen.asks) {
              chosen.holds = false;
              chosen.job.slot.release();
            } else if (chosen && kind === 'take' && !chosen.asks) {
              chosen.asks = true;
              void chosen.job.slot.take(NEVER).then(() => {
                chosen.asks = false;
                chosen.holds = true;
              });
            } else if (chosen && kind === 'end' && !chosen.asks) {
              jobs.splice(jobs.indexOf(chosen), 1);
              await chosen.job.end();
            }
            await nextTurn();
            const used = jobs.filter(({ holds }) => holds).length + slots.looking();
            assert.ok(used <= size, `${used} of ${size} slots are in use`);
            assert.ok(slots.workers() <= size + spare);
            const asking = jobs.some(({ asks }) => asks);
            assert.ok(slots.looking() <= 1);
            const isFree = used < size;
            if (isFree) assert.ok(!asking);
            if (isFree && slots.workers() < size + spare) assert.equal(slots.looking(), 1);
          }
        },
      ),
    );
  });
});
