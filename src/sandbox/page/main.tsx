import { render } from 'preact';
import './styles/page.css';
import { createPageActions, recallPerson } from './actions.ts';
import { followWorld } from './follow-world.ts';
import { App } from './parts/app.tsx';
import { createEmptyState } from './state.ts';
import { createStore } from './store.ts';

/** Wide enough for people, chat and panel side by side. */
const wide = '(min-width: 1240px)';

function start(root: HTMLElement): void {
  const store = createStore({
    ...createEmptyState(),
    personId: recallPerson(),
    isPanelOpen: matchMedia(wide).matches,
  });
  const act = createPageActions(store);
  let isDue = false;
  const draw = () => {
    isDue = false;
    render(<App state={store.get()} act={act} />, root);
  };
  store.subscribe(() => {
    // Once for all changes of one moment.
    if (isDue) return;
    isDue = true;
    queueMicrotask(draw);
  });
  draw();
  followWorld(store);
  void fetch('/samples')
    .then((response) => response.json())
    .then((samples: string[]) => act.set({ samples }))
    .catch(() => {});
}

const root = document.getElementById('page');
if (root !== null) start(root);
