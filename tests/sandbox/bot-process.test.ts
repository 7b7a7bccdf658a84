import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BotProcess, startBotProcess } from '../../src/sandbox/bot-process.ts';

/** Runs a script as if it were the bot; it is stopped after the test. */
function startScript(
  t: TestContext,
  script: string,
  options: { env?: Readonly<Record<string, string>>; onOutput?: (text: string) => void } = {},
): BotProcess {
  const bot = startBotProcess({
    command: [process.execPath, '-e', script],
    env: options.env ?? {},
    readyPattern: /is up/,
    restartMs: 20,
    ...(options.onOutput === undefined ? {} : { onOutput: options.onOutput }),
  });
  t.after(() => bot.stop());
  return bot;
}

async function reach(bot: BotProcess, phase: string): Promise<void> {
  while (bot.state.phase !== phase) await once(bot.events, 'change');
}

const SERVE = `console.log('the bot is up'); setInterval(() => {}, 1000);`;

it('runs as soon as the output says so, under its own process id', async (t) => {
  const bot = startScript(t, SERVE);
  assert.equal(bot.state.phase, 'starting');
  await reach(bot, 'running');
  assert.ok(bot.state.pid);
  assert.equal(bot.state.restarts, 0);
});

it('is started again after a kill, as another process', async (t) => {
  const bot = startScript(t, SERVE);
  await reach(bot, 'running');
  const { pid } = bot.state;
  bot.kill();
  await reach(bot, 'restarting');
  assert.equal(bot.state.pid, undefined);
  await reach(bot, 'running');
  assert.notEqual(bot.state.pid, pid);
  assert.equal(bot.state.restarts, 1);
});

it('says why a process that never serves ends, and waits longer each time', async (t) => {
  const startedAt = Date.now();
  const bot = startScript(t, `console.error('first'); console.error('no disk'); process.exit(1)`);
  while (bot.state.restarts < 3) await once(bot.events, 'change');
  assert.equal(bot.state.problem, 'no disk');
  assert.equal(bot.state.phase, 'restarting');
  assert.ok(Date.now() - startedAt >= 20 + 40);
});

it('survives a program that does not exist', async (t) => {
  const bot = startBotProcess({
    command: ['/nowhere/at/all'],
    env: {},
    readyPattern: /up/,
    restartMs: 20,
  });
  t.after(() => bot.stop());
  await reach(bot, 'restarting');
});

it('passes on what the process says', async (t) => {
  const bot = startScript(t, `process.send({ struck: 1 }); ${SERVE}`);
  const [message] = await once(bot.events, 'message');
  assert.deepEqual(message, { struck: 1 });
});

it('gives the process its own environment and nothing of ours', async (t) => {
  let output = '';
  const script = `console.log(Object.keys(process.env).join() + ' is up'); ${SERVE}`;
  const bot = startScript(t, script, {
    env: { ONLY: 'this' },
    onOutput: (text) => {
      output += text;
    },
  });
  await reach(bot, 'running');
  assert.match(output, /^NODE_CHANNEL_FD,(NODE_CHANNEL_SERIALIZATION_MODE,)?ONLY is up|ONLY/);
  assert.doesNotMatch(output, /PATH|HOME/);
});

it('passes messages to a running process alone', async (t) => {
  let output = '';
  const bot = startScript(
    t,
    `process.on('message', (m) => console.log('got ' + JSON.stringify(m))); ${SERVE}`,
    {
      onOutput: (text) => {
        output += text;
      },
    },
  );
  assert.equal(bot.send({ fault: 'provider', times: 2 }), false);
  await reach(bot, 'running');
  assert.equal(bot.send({ fault: 'provider', times: 2 }), true);
  for (let look = 0; look < 200 && !output.includes('got'); look += 1) await sleep(10);
  assert.match(output, /got \{"fault":"provider","times":2\}/);
});

it('ends politely, and for good', async (t) => {
  let output = '';
  const bot = startScript(
    t,
    `process.on('SIGTERM', () => { console.log('goodbye'); process.exit(0); }); ${SERVE}`,
    {
      onOutput: (text) => {
        output += text;
      },
    },
  );
  await reach(bot, 'running');
  await bot.stop();
  assert.equal(bot.state.phase, 'stopped');
  assert.match(output, /goodbye/);
  assert.equal(bot.state.restarts, 0);
});

it('can be stopped while it waits to start again', async (t) => {
  const bot = startScript(t, 'process.exit(1)');
  await reach(bot, 'restarting');
  await bot.stop();
  assert.equal(bot.state.phase, 'stopped');
});
