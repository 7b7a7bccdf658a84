import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createLimiter } from '../concurrency.ts';
import { type FaceLandmarks, LANDMARKS, type Point } from './landmarks.ts';
import type { FaceBox, RgbPicture } from './morpher.ts';

/** Below it, what was found is more often a fist or a lamp than a face. */
const MIN_CONFIDENCE = 0.3;
/** Below it, a box is more often none; faces that nobody would overlook have more than 0.5. */
const MIN_BOX_CONFIDENCE = 0.45;
/** Whoever looks for boxes wants all of them: more than this do not fit into what the detector sees. */
const MAX_BOXES = 100;
/** Landmarks take a tenth of a second a face, and only the largest faces lead a morph. */
const MAX_MESHES = 10;
/** Below it, the landmarks are a guess: a profile, or a face cut by the border. */
const MIN_MESH_CONFIDENCE = 0.9;
/** Faces narrower than this share of the picture do not lead a morph. */
const MIN_FACE_WIDTH = 0.03;

/** The part of @vladmandic/human that is used; its own types cannot be reached through its `exports`. */
interface Human {
  readonly tf: {
    tensor3d(data: Uint8Array, shape: [number, number, number], type: 'int32'): Tensor;
  };
  /** Starts the backend. */
  init(): Promise<void>;
  /** Loads the models; says nothing of those that it cannot load. */
  load(): Promise<void>;
  /** Never settles when it fails: see `orStrayRejection`. */
  detect(picture: Tensor, config: object): Promise<{ readonly face: readonly HumanFace[] }>;
}

interface Tensor {
  dispose(): void;
}

interface HumanFace {
  readonly box: readonly [x: number, y: number, width: number, height: number];
  readonly score: number;
  readonly mesh: readonly (readonly [x: number, y: number, z?: number])[];
}

/** The models could not be loaded, or failed on a picture. */
export class DetectionUnavailableError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : `${cause}`, { cause });
    this.name = 'DetectionUnavailableError';
  }
}

/**
 * Finds faces and their landmarks; loads its models at the first call and takes one picture at a time.
 * Every call may throw DetectionUnavailableError.
 */
export interface FaceMesh {
  /** Boxes alone, which is quicker; the largest first. */
  findBoxes(picture: RgbPicture): Promise<FaceBox[]>;
  /** Landmarks of all faces large enough to lead a morph; the largest first. */
  findLandmarks(picture: RgbPicture): Promise<FaceLandmarks[]>;
}

/**
 * To be used in a process of its own: it blocks its thread, listens to the process's stray rejections and
 * replaces `fetch` by one that reads files alone.
 * @param modelsDirectory where the models are, instead of the package that brings them.
 */
export function createFaceMesh(modelsDirectory?: string): FaceMesh {
  const oneAtATime = createLimiter(1);
  let loading: Promise<Human> | undefined;

  return {
    async findBoxes(picture) {
      const faces = await detect(picture, false);
      return faces.filter(({ score }) => score >= MIN_BOX_CONFIDENCE).map(toBox);
    },
    async findLandmarks(picture) {
      const faces = await detect(picture, true);
      return faces
        .filter(
          ({ box, score, mesh }) =>
            score >= MIN_MESH_CONFIDENCE &&
            box[2] > picture.width * MIN_FACE_WIDTH &&
            mesh.length > 0,
        )
        .map(toLandmarks);
    },
  };

  function detect(picture: RgbPicture, withMesh: boolean): Promise<HumanFace[]> {
    return oneAtATime(async () => {
      try {
        loading ??= loadHuman(modelsDirectory);
        const faces = await detectWith(await loading, picture, withMesh);
        return faces.toSorted((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
      } catch (error) {
        throw new DetectionUnavailableError(error);
      }
    });
  }
}

async function detectWith(human: Human, picture: RgbPicture, withMesh: boolean) {
  const { data, width, height } = picture;
  const tensor = human.tf.tensor3d(data, [height, width, 3], 'int32');
  try {
    const maxDetected = withMesh ? MAX_MESHES : MAX_BOXES;
    const config = { face: { detector: { maxDetected }, mesh: { enabled: withMesh } } };
    return (await orStrayRejection(human.detect(tensor, config))).face;
  } finally {
    tensor.dispose();
  }
}

/** What fails inside the library surfaces as an unhandled rejection alone. One picture is looked at at a time. */
async function orStrayRejection<T>(work: Promise<T>): Promise<T> {
  const { promise: stray, reject } = Promise.withResolvers<never>();
  process.once('unhandledRejection', reject);
  try {
    return await Promise.race([work, stray]);
  } finally {
    process.off('unhandledRejection', reject);
  }
}

function toBox({ box: [x, y, width, height] }: HumanFace): FaceBox {
  return { x, y, width, height };
}

function toLandmarks({ box: [x, y, width, height], mesh }: HumanFace): FaceLandmarks {
  return {
    points: LANDMARKS.map((index): Point => {
      const [px = 0, py = 0] = mesh[index] ?? [];
      return [px, py];
    }),
    width,
    centre: [x + width / 2, y + height / 2],
  };
}

async function loadHuman(modelsDirectory: string | undefined): Promise<Human> {
  // The package lists its builds in a form that Node does not resolve: the one for WebAssembly lies beside the
  // one that it does.
  const builds = dirname(fileURLToPath(import.meta.resolve('@vladmandic/human')));
  const backend = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  const models = modelsDirectory ?? join(builds, '..', 'models');
  globalThis.fetch = fetchFile;
  const { default: HumanLibrary }: { default: new (config: object) => Human } = createRequire(
    import.meta.url,
  )(join(builds, 'human.node-wasm.js'));
  const human = new HumanLibrary({
    backend: 'wasm',
    wasmPath: join(dirname(backend), 'dist', '/'),
    wasmPlatformFetch: false,
    modelBasePath: pathToFileURL(join(models, '/')).href,
    debug: false,
    // Neighbouring pictures are not frames of one video: nothing of one is used for the next.
    cacheSensitivity: 0,
    filter: { enabled: false },
    face: {
      enabled: true,
      detector: {
        rotation: true,
        minConfidence: MIN_CONFIDENCE,
        minSize: 0,
        iouThreshold: 0.1,
      },
      mesh: { enabled: true },
      attention: { enabled: false },
      iris: { enabled: false },
      emotion: { enabled: false },
      description: { enabled: false },
    },
    body: { enabled: false },
    hand: { enabled: false },
    object: { enabled: false },
    gesture: { enabled: false },
    segmentation: { enabled: false },
  });
  await keepHandlers(() => human.init());
  await human.load();
  const side = 64;
  const blank = { data: new Uint8Array(side * side * 3), width: side, height: side };
  await detectWith(human, blank, false);
  return human;
}

/** The backend installs handlers that rethrow whatever goes wrong anywhere in the process: they are taken out. */
async function keepHandlers(work: () => Promise<void>): Promise<void> {
  const rejection = process.listeners('unhandledRejection');
  const exception = process.listeners('uncaughtException');
  await work();
  for (const listener of process.listeners('unhandledRejection')) {
    if (!rejection.includes(listener)) process.off('unhandledRejection', listener);
  }
  for (const listener of process.listeners('uncaughtException')) {
    if (!exception.includes(listener)) process.off('uncaughtException', listener);
  }
}

/** The models are files of ours, and the library knows `fetch` alone. Nothing here goes to a network. */
async function fetchFile(resource: string | URL | Request): Promise<Response> {
  const url = new URL(resource instanceof Request ? resource.url : resource);
  if (url.protocol !== 'file:') throw new TypeError(`The morph engine fetches files alone: ${url}`);
  const type = url.pathname.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  return new Response(await readFile(url), { headers: { 'content-type': type } });
}
