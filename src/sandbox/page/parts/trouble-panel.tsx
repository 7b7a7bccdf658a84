import { useEffect, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { showDuration } from '../format.ts';
import type { PageState } from '../state.ts';
import { type CallLine, FAULTS, type Language } from '../wire.ts';
import { count, fill, WORDS, type Words } from '../words.ts';
import { Icon } from './icons.tsx';

/** Trouble to order, and how the bot takes it. */
export function TroublePanel(props: { state: PageState; act: Actions; language: Language }) {
  const { state, act, language } = props;
  const words = WORDS[language];
  if (!state.isPanelOpen) return null;
  const { process, faults } = state;
  const toCome = (
    [
      [words.toComeCalls, faults.calls],
      [words.toComeDownloads, faults.downloads],
      [words.toComeSteps, faults.steps],
    ] as const
  ).flatMap(([word, number]) => (number === 0 ? [] : [count(language, word, number)]));
  return (
    <aside class="panel" aria-label={words.trouble}>
      <header>
        <h2>{words.trouble}</h2>
        <button
          type="button"
          class="round"
          aria-label={words.hideTrouble}
          onClick={() => act.set({ isPanelOpen: false })}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="hint">{words.troubleHow}</p>

      <section>
        <h3>{words.theBot}</h3>
        <ProcessState state={state} words={words} language={language} />
        <button
          type="button"
          class="danger-button"
          disabled={process.phase !== 'running'}
          onClick={() => act.killBot()}
        >
          {words.kill}
          <small>{words.killHow}</small>
        </button>
      </section>

      <section>
        <h3>{words.network}</h3>
        {FAULTS.map((name) => (
          <button type="button" key={name} class="fault" onClick={() => act.orderFault(name)}>
            {words.faults[name]}
            <small>{words.faultsHow[name]}</small>
          </button>
        ))}
        <p class="calm" role="status">
          {toCome.length === 0 ? words.calm : fill(words.toCome, { list: toCome.join(', ') })}
          {toCome.length > 0 && (
            <button type="button" class="link" onClick={() => act.clearFaults()}>
              {words.calmDown}
            </button>
          )}
        </p>
      </section>

      <section>
        <h3>{words.wire}</h3>
        <p class="hint">{words.wireHow}</p>
        <ol class="wire">
          {state.calls.length === 0 && <li>{words.wireEmpty}</li>}
          {state.calls.toReversed().map((call) => (
            <CallRow key={call.number} call={call} words={words} language={language} />
          ))}
        </ol>
      </section>
    </aside>
  );
}

function ProcessState(props: { state: PageState; words: Words; language: Language }) {
  const { words, language } = props;
  const { phase, restarts, sinceMs, pid, problem } = props.state.process;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const names = {
    starting: words.phaseStarting,
    running: words.phaseRunning,
    restarting: words.phaseRestarting,
    stopped: words.phaseStopped,
  };
  const details = [
    ...(phase === 'running'
      ? [fill(words.upFor, { time: showDuration((now - sinceMs) / 1000) })]
      : []),
    ...(pid === undefined ? [] : [fill(words.process, { pid })]),
    ...(restarts === 0 ? [] : [count(language, words.restarts, restarts)]),
  ];
  return (
    <div class={`process ${phase}`}>
      <span class="lamp" aria-hidden="true" />
      <div>
        <b role="status">{names[phase]}</b>
        <small>{details.join(' · ')}</small>
        {problem !== undefined && <small class="problem">{problem}</small>}
      </div>
    </div>
  );
}

function CallRow({ call, words, language }: { call: CallLine; words: Words; language: Language }) {
  const { method, status, atMs } = call;
  const time = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  }).format(atMs);
  const isYoung = status === 0 && Date.now() - atMs < 30_000;
  const result = status === 0 ? (isYoung ? '…' : words.cut) : String(status);
  return (
    <li>
      <time>{time}</time>
      <code>{method}</code>
      <span class={status === 200 || isYoung ? 'good' : 'bad'}>{result}</span>
    </li>
  );
}
