/** The calls of the API that are served, each of which can be made to go wrong. */
export type Endpoint =
  | 'create'
  | 'get'
  | 'list'
  | 'cancel'
  | 'create_training'
  | 'get_training'
  | 'list_trainings'
  | 'cancel_training'
  | 'upload'
  | 'file'
  | 'secret'
  | 'account'
  | 'hardware'
  | 'create_model'
  | 'model'
  | 'version'
  | 'delete_version';

const MODEL = '/models/(?<model>[^/]+/[^/]+)';
const VERSION = `${MODEL}/versions/(?<version>[^/]+)`;
const ID = '/(?<id>[^/]+)';

const ROUTES: readonly (readonly [Endpoint, string])[] = [
  ['create', `POST (${MODEL})?/predictions`],
  ['list', 'GET /predictions'],
  ['get', `GET /predictions${ID}`],
  ['cancel', `POST /predictions${ID}/cancel`],
  ['create_training', `POST ${VERSION}/trainings`],
  ['list_trainings', 'GET /trainings'],
  ['get_training', `GET /trainings${ID}`],
  ['cancel_training', `POST /trainings${ID}/cancel`],
  ['upload', 'POST /files'],
  ['file', `GET /files${ID}(/download)?`],
  ['secret', 'GET /webhooks/default/secret'],
  ['account', 'GET /account'],
  ['hardware', 'GET /hardware'],
  ['create_model', 'POST /models'],
  ['model', `GET ${MODEL}`],
  ['version', `GET ${VERSION}`],
  ['delete_version', `DELETE ${VERSION}`],
];

/** What a call asks for, and the parts of its path; absent ones are empty. */
export function routeCall(
  method: string,
  path: string,
): {
  readonly endpoint: Endpoint | 'unknown';
  readonly model: string;
  readonly version: string;
  readonly id: string;
} {
  for (const [endpoint, pattern] of ROUTES) {
    const match = new RegExp(`^${pattern}$`).exec(`${method} ${path}`);
    if (!match) continue;
    const { model = '', version = '', id = '' } = match.groups ?? {};
    return { endpoint, model, version, id };
  }
  return { endpoint: 'unknown', model: '', version: '', id: '' };
}
