import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** A model of the account, as it is now. */
export interface ServedModel {
  readonly owner: string;
  readonly name: string;
  visibility: 'private' | 'public';
  readonly hardware: string;
  /** Ids of its versions, oldest first; a deleted one is gone. */
  readonly versions: string[];
}

/** The parts of a live schema that clients read. */
export interface LiveSchemas {
  readonly Input?: object;
  readonly TrainingInput?: object;
}

export interface ModelAnswer {
  readonly status: number;
  readonly body?: unknown;
}

export interface ModelBoard {
  readonly list: readonly ServedModel[];
  /** `owner/name`; undefined when the account has no such model. */
  find(model: string): ServedModel | undefined;
  add(model: Partial<ServedModel> & { readonly name: string }): ServedModel;
  /** Puts a live schema in place of the published one; `none` answers 404. `model` may name a version. */
  setSchemas(model: string, schemas: LiveSchemas | 'none'): void;
  account(): ModelAnswer;
  hardware(): ModelAnswer;
  create(body: unknown): ModelAnswer;
  describe(model: string): ModelAnswer;
  describeVersion(model: string, version: string): ModelAnswer;
  deleteVersion(model: string, version: string): ModelAnswer;
}

const SKUS = ['cpu', 'gpu-t4', 'gpu-a100-large', 'gpu-h100', 'gpu-l40s'];

const createBody = z.strictObject({
  owner: z.string(),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  visibility: z.enum(['private', 'public']),
  hardware: z.string(),
  description: z.string().optional(),
});

/** The account with its models, and the schemas of everybody's. */
export function createModelBoard(deps: {
  readonly username: string;
  readonly skus: readonly string[] | undefined;
  readonly schemasDir: string | undefined;
  readonly violation: (text: string) => void;
}): ModelBoard {
  const { username } = deps;
  const skus = deps.skus ?? SKUS;
  const list: ServedModel[] = [];
  const schemas = new Map<string, LiveSchemas | 'none'>();

  const find = (model: string) => list.find(({ owner, name }) => `${owner}/${name}` === model);

  function schemasOf(model: string, version?: string): LiveSchemas | undefined {
    const live = schemas.get(`${model}:${version}`) ?? schemas.get(model);
    if (live) return live === 'none' ? undefined : live;
    const path = deps.schemasDir && join(deps.schemasDir, `${model.split('/')[1]}.schema.json`);
    return path && existsSync(path) ? { Input: JSON.parse(readFileSync(path, 'utf8')) } : undefined;
  }

  function versionJson(id: string, live: LiveSchemas | undefined): object {
    const openapi_schema = live ? { components: { schemas: live } } : null;
    const created_at = new Date().toISOString();
    return { id, created_at, cog_version: '0.16.0', openapi_schema };
  }

  function modelJson(owner: string, name: string, more: object): object {
    return { url: `https://replicate.com/${owner}/${name}`, owner, name, run_count: 0, ...more };
  }

  function shown(model: ServedModel): object {
    const { owner, name, visibility, versions } = model;
    const last = versions.at(-1);
    const latest_version = last ? versionJson(last, schemasOf(`${owner}/${name}`, last)) : null;
    return modelJson(owner, name, { visibility, latest_version });
  }

  return {
    list,
    find,

    add({ owner = username, name, visibility = 'private', hardware = 'gpu-l40s', versions = [] }) {
      const model = { owner, name, visibility, hardware, versions };
      list.push(model);
      return model;
    },

    setSchemas(model, given) {
      schemas.set(model, given);
    },

    account: () => ({ status: 200, body: { type: 'organization', username, name: 'Loopback' } }),

    hardware: () => ({
      status: 200,
      body: skus.map((sku) => ({ name: sku.toUpperCase(), sku })),
    }),

    create(body) {
      const asked = createBody.safeParse(body).data;
      if (!asked) {
        deps.violation(`POST /models: ${JSON.stringify(body)}`);
        return problem(422, 'Invalid model');
      }
      const { owner, name, visibility, hardware } = asked;
      if (owner !== username)
        return problem(403, 'You do not have permission to perform this action.');
      if (find(`${owner}/${name}`))
        return problem(409, 'A model with that name and owner already exists.');
      if (!skus.includes(hardware)) {
        return problem(
          400,
          `${hardware} is not a valid hardware SKU. Your options are: ${skus.join(', ')}`,
        );
      }
      const model: ServedModel = { owner, name, visibility, hardware, versions: [] };
      list.push(model);
      return { status: 201, body: shown(model) };
    },

    describe(model) {
      const own = find(model);
      if (own) return { status: 200, body: shown(own) };
      const live = schemasOf(model);
      const [owner = '', name = ''] = model.split('/');
      if (!live) return notFound();
      const latest_version = versionJson('hidden', live);
      return {
        status: 200,
        body: modelJson(owner, name, { visibility: 'public', is_official: true, latest_version }),
      };
    },

    describeVersion(model, version) {
      const own = find(model);
      if (own && !own.versions.includes(version)) return notFound();
      const live = schemasOf(model, version);
      return own || live ? { status: 200, body: versionJson(version, live) } : notFound();
    },

    deleteVersion(model, version) {
      const own = find(model);
      const at = own?.versions.indexOf(version) ?? -1;
      if (!own || at < 0) return notFound();
      if (own.visibility === 'public')
        return problem(403, 'You can only delete versions from private models.');
      own.versions.splice(at, 1);
      return { status: 202 };
    },
  };
}

function notFound(): ModelAnswer {
  return problem(404, 'The requested resource could not be found.');
}

function problem(status: number, detail: string): ModelAnswer {
  return { status, body: { detail, status } };
}
