import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PhotoLook, warnAbout } from '../../src/domain/photo-look.ts';

const FACE = { x: 0.4, y: 0.3, width: 0.2, height: 0.3 };

function look(changes: Partial<PhotoLook> & { readonly shade?: number } = {}): PhotoLook {
  const { shade = 0, ...others } = changes;
  const thumb = Buffer.alloc(432, shade).toString('base64');
  return { faces: [FACE], sharpness: 400, brightness: 110, thumb, ...others };
}
/** Each unlike the others. */
const shades = (looks: readonly Partial<PhotoLook>[]) =>
  looks.map((changes, index) => look({ shade: index * 20, ...changes }));

test('sharp, bright, different portraits need no second look', () => {
  assert.deepEqual(warnAbout(shades([{}, {}, {}])), []);
});

test('each photo that may disappoint is named with its reason', () => {
  const looks = shades([
    { faces: [] },
    { faces: [FACE, FACE] },
    { sharpness: 5 },
    { brightness: 12 },
    {},
  ]);
  assert.deepEqual(warnAbout(looks), [
    { kind: 'no_face', photos: [0] },
    { kind: 'several_faces', photos: [1] },
    { kind: 'blurred', photos: [2] },
    { kind: 'dark', photos: [3] },
  ]);
});

test('photos without a single face are perhaps meant so: told once', () => {
  assert.deepEqual(warnAbout(shades([{ faces: [] }, { faces: [] }])), [{ kind: 'no_face_at_all' }]);
});

test('where nobody looked for faces, none are missed', () => {
  assert.deepEqual(warnAbout(shades([{ faces: null }, { faces: null }])), []);
});

test('a dark photo is not called blurred as well', () => {
  const looks = shades([{ brightness: 10, sharpness: 2 }, {}]);
  assert.deepEqual(warnAbout(looks), [{ kind: 'dark', photos: [0] }]);
});

test('photos that look the same are named together, each once', () => {
  const looks = [0, 60, 1, 120, 61, 0].map((shade) => look({ shade }));
  assert.deepEqual(warnAbout(looks), [
    {
      kind: 'same',
      groups: [
        [0, 2, 5],
        [1, 4],
      ],
    },
  ]);
});
