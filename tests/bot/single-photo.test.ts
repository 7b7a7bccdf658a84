import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { imageToVideo } from '../../src/services/image-to-video.ts';
import { voiceToText } from '../../src/services/voice-to-text.ts';
import { pictures, type Rig, startRig } from './rig.ts';

/** A person whose order of a service is over for what they send next, though it was open a moment ago. */
async function atRace(t: TestContext, serviceType: string, end: (rig: Rig) => void) {
  const rig = await startRig(t, { services: [imageToVideo, voiceToText] });
  const ann = rig.person(1, 'Ann');
  await rig.orders.open(1, serviceType);
  const { findOpen } = rig.orders;
  rig.orders.findOpen = async (personId) => {
    const open = await findOpen(personId);
    rig.orders.findOpen = findOpen;
    end(rig);
    return open;
  };
  return { rig, ann };
}

describe('what an order takes one of, and that comes', () => {
  test('while the order is paid elsewhere, is answered with where the order stands', async (t) => {
    const { rig, ann } = await atRace(t, 'image_to_video', ({ orders }) => {
      orders.of(1).view.state = 'queued';
    });
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /already paid and in work/ });
    assert.equal(rig.orders.all.length, 1);
  });

  test('after more files than an order can have, is answered with what to do', async (t) => {
    const { rig, ann } = await atRace(t, 'image_to_video', ({ orders }) => {
      orders.of(1).full = true;
    });
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /no more fit in\. Send \/cancel/ });
    assert.equal(rig.orders.of(1).files.length, 0);
  });

  test('while the order is dropped elsewhere, is answered with that', async (t) => {
    const { rig, ann } = await atRace(t, 'voice_to_text', ({ orders }) => {
      orders.of(1).view.state = 'cancelled';
    });
    rig.server.sendVideo(1, { sizeBytes: 10 });
    await ann.waitForMessage({ text: /This order was cancelled/ });
    assert.equal(rig.orders.all.length, 1);
  });
});
