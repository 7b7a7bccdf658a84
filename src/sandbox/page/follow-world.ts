import { applyChange, type PageState } from './state.ts';
import type { Store } from './store.ts';
import type { WorldChange } from './wire.ts';

const retryMs = 1_000;
/** The server says something at least every ten seconds. */
const silenceMs = 25_000;

/** Keeps the store in step with the server, and connects again whenever the connection is lost. */
export function followWorld(store: Store<PageState>): void {
  let lastHeardMs = Date.now();

  function connect(): void {
    const source = new EventSource('/events');
    const reconnect = () => {
      clearInterval(watch);
      source.close();
      store.set((state) => ({ ...state, isConnected: false }));
      setTimeout(connect, retryMs);
    };
    const watch = setInterval(() => {
      if (Date.now() - lastHeardMs > silenceMs) reconnect();
    }, 5_000);
    source.onmessage = ({ data }: MessageEvent<string>) => {
      lastHeardMs = Date.now();
      const change = JSON.parse(data) as WorldChange;
      store.set((state) => applyChange(state, change));
    };
    source.addEventListener('ping', () => {
      lastHeardMs = Date.now();
    });
    source.onerror = reconnect;
  }
  connect();
}
