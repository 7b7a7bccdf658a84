import type { Actions } from '../actions.ts';
import type { Chat, PageState } from '../state.ts';
import type { Persona } from '../wire.ts';
import { fill, WORDS } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { Lightbox } from './lightbox.tsx';
import { SendDialog } from './send-dialog.tsx';
import { PayDialog, StarsDialog } from './stars-dialogs.tsx';

/** Whatever lies over the chat. */
export function Overlays(props: { person: Persona; chat: Chat; state: PageState; act: Actions }) {
  const { person, chat, state, act } = props;
  const { overlay, ownPictures } = state;
  const { language } = person;
  const words = WORDS[language];
  const { messages, facts } = chat;
  const common = { words, language, act };
  switch (overlay?.kind) {
    case undefined:
      return null;
    case 'send':
      return <SendDialog files={overlay.files} as={overlay.as} {...common} />;
    case 'photo':
      return (
        <Lightbox
          fileId={overlay.fileId}
          messages={messages}
          ownPictures={ownPictures}
          words={words}
          act={act}
        />
      );
    case 'pay':
      return (
        <PayDialog
          message={messages.find(({ message_id }) => message_id === overlay.messageId)}
          facts={facts}
          {...common}
        />
      );
    case 'stars':
      return <StarsDialog missing={overlay.missing} facts={facts} {...common} />;
    case 'alert':
      return <Question text={overlay.text} act={act} confirm={words.ok} />;
    case 'link': {
      const { url } = overlay;
      return (
        <Question
          text={fill(words.linkOutside, { url })}
          act={act}
          confirm={words.open}
          cancel={words.cancel}
          choose={() => window.open(url, '_blank', 'noopener')}
        />
      );
    }
    case 'clear':
      return (
        <Question
          title={words.clearTitle}
          text={words.clearText}
          act={act}
          confirm={words.clearConfirm}
          cancel={words.cancel}
          choose={() => act.changeChat('clear')}
        />
      );
  }
}

function Question(props: {
  title?: string;
  text: string;
  act: Actions;
  confirm: string;
  cancel?: string;
  choose?: () => void;
}) {
  const { title, text, act, confirm, cancel, choose = () => {} } = props;
  const close = () => act.show(null);
  return (
    <Dialog label={title ?? text} close={close}>
      <div class="question">
        {title !== undefined && <h2>{title}</h2>}
        <p>{text}</p>
        <footer>
          {cancel !== undefined && (
            <button type="button" class="text-button" onClick={close}>
              {cancel}
            </button>
          )}
          <button
            type="button"
            class="text-button"
            onClick={() => {
              close();
              choose();
            }}
          >
            {confirm}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
