import { dirname, join, posix } from 'node:path';

/** A file of `src`, by its path from the root of the project. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Who may import whom, and what to do instead; type imports count. `*` is everybody. */
const ROOMS: Readonly<Record<string, { mayImport: readonly string[]; instead: string }>> = {
  domain: { mayImport: [], instead: 'domain is pure rules: pass what it needs as arguments' },
  services: { mayImport: ['domain'], instead: 'a service is declared purely: orders do the work' },
  db: { mayImport: ['domain'], instead: 'move the rule to domain, or the use case to its room' },
  ledger: { mayImport: ['domain', 'db'], instead: 'the books know nobody: callers pass amounts' },
  people: { mayImport: ['domain', 'db', 'ledger'], instead: 'pass it in from app.ts' },
  media: {
    mayImport: ['domain'],
    instead: 'media works on files: orders pass paths and take them',
  },
  providers: {
    mayImport: ['domain', 'media'],
    instead: 'a provider renders one prediction: orders decide when, what and whether again',
  },
  orders: {
    mayImport: ['domain', 'services', 'db', 'ledger', 'media', 'providers'],
    instead: 'declare an interface in orders (as ChatPort is) and let app.ts hand the bot in',
  },
  bot: {
    mayImport: ['domain', 'services', 'ledger', 'people', 'orders', 'locales'],
    instead: 'declare the interface the bot needs in bot and let app.ts hand it in',
  },
  http: {
    mayImport: ['domain', 'orders'],
    instead: 'declare the function the server calls in its deps and let app.ts hand it in',
  },
  mcp: {
    mayImport: ['domain', 'services', 'ledger', 'people', 'orders'],
    instead: 'declare the interface the tools need in mcp and let app.ts hand it in',
  },
  sandbox: {
    mayImport: [],
    instead: 'the sandbox stands for Telegram: it knows the Bot API alone',
  },
  'config.ts': {
    mayImport: ['domain', 'services'],
    instead: 'config validates text: leave the building of things to app.ts',
  },
  'app.ts': { mayImport: ['*'], instead: '' },
  'main.ts': { mayImport: ['*'], instead: '' },
};

/** Nobody but the composition root may know these. */
const PRIVATE_TO_ROOT = ['config.ts', 'app.ts', 'main.ts'];
const COMPOSITION_ROOT = ['app.ts', 'main.ts'];

/** The room each vendor package lives in; longer names win. `*` is everybody. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  zod: ['*'],
  grammy: ['bot'],
  'grammy/types': ['bot', 'sandbox'],
  '@grammyjs': ['bot'],
  i18next: ['bot'],
  'drizzle-orm': ['db', 'ledger', 'people', 'orders'],
  'drizzle-orm/pg-core': ['db'],
  'drizzle-orm/pglite': ['db'],
  'drizzle-orm/postgres-js': ['db'],
  '@electric-sql/pglite': ['db'],
  postgres: ['db'],
  'pg-boss': ['orders'],
  'p-retry': ['db', 'orders'],
  replicate: ['providers'],
  standardwebhooks: ['providers'],
  'fluent-ffmpeg': ['media'],
  '@ffmpeg-installer/ffmpeg': ['media'],
  '@ffprobe-installer/ffprobe': ['media'],
  sharp: ['media'],
  'heic-decode': ['media'],
  jszip: ['media'],
  '@vladmandic/human': ['media'],
  '@tensorflow': ['media'],
  'dejavu-fonts-ttf': ['media', 'bot'],
  echarts: ['bot'],
  'franc-min': ['orders'],
  '@resvg/resvg-js': ['bot'],
  'csv-stringify': ['bot'],
  hono: ['http', 'sandbox'],
  '@hono/node-server': ['http', 'sandbox'],
  preact: ['sandbox'],
  esbuild: ['sandbox'],
  '@modelcontextprotocol': ['mcp'],
  pino: [],
};

/** Every breach of the house rules, one sentence each, with what to do instead. */
export function findBreaches(files: readonly SourceFile[]): string[] {
  return [
    ...files.flatMap((file) =>
      [...importsOf(file), ...workersOf(file)].flatMap((target) => judgeImport(file, target)),
    ),
    ...files.flatMap(judgeProcess),
    ...files.flatMap(judgeModuleLevel),
    ...findCycles(files),
  ];
}

function judgeImport(file: SourceFile, target: string): string[] {
  const room = roomOf(file.path);
  const rules = ROOMS[room];
  if (!rules) {
    return [`${file.path} stands in no room of design.md: move it, or add the room to the table`];
  }
  if (target.startsWith('node:')) return [];
  if (!isOurs(target)) return judgePackage(file.path, room, target);
  const other = roomOf(target);
  if (COMPOSITION_ROOT.includes(room) || other === room) return [];
  if (PRIVATE_TO_ROOT.includes(other)) {
    return [
      `${file.path} imports ${target}: only app.ts and main.ts may; take the values you need as deps`,
    ];
  }
  if (rules.mayImport.includes(other)) return [];
  return [`${file.path} imports ${target}: ${room} may not import ${other}; ${rules.instead}`];
}

function judgePackage(path: string, room: string, name: string): string[] {
  const known = Object.keys(PACKAGES)
    .filter((each) => name === each || name.startsWith(`${each}/`))
    .sort((a, b) => b.length - a.length)[0];
  if (known === undefined) {
    return [`${path} imports ${name}: no room is named for this package; give it one in PACKAGES`];
  }
  const rooms = PACKAGES[known] ?? [];
  const allowed = COMPOSITION_ROOT.includes(room) || rooms.includes('*') || rooms.includes(room);
  if (allowed) return [];
  const home = rooms.length === 0 ? 'app.ts' : rooms.join(', ');
  return [`${path} imports ${name}: it lives in ${home}; ask that room for what you need`];
}

function judgeProcess({ path, text }: SourceFile): string[] {
  if (roomOf(path) === 'main.ts') return [];
  return [...withoutComments(text).matchAll(/\bprocess\s*\.\s*(env|exit|exitCode)\b/g)].map(
    ([use]) =>
      `${path} uses ${use}: only main.ts may; ` +
      (use.endsWith('env') ? 'take the value as a dep' : 'return or throw, and let main.ts end'),
  );
}

/** The formatter puts top-level statements, and nothing else, at the start of a line. */
function judgeModuleLevel({ path, text }: SourceFile): string[] {
  const room = roomOf(path);
  if (room === 'main.ts' || path.endsWith('-worker.ts')) return [];
  const code = withoutComments(text);
  const breach = (found: string, instead: string) =>
    `${path} has "${found.trim()}" at module level: ${instead}`;
  return [
    ...[...code.matchAll(/^(?:export )?let .*/gm)].map(([found]) =>
      breach(found, 'state belongs into a factory createX(deps)'),
    ),
    ...[...code.matchAll(/^(?:export )?(?:const [^=]+= )?await .*/gm)].map(([found]) =>
      breach(found, 'importing a file must do nothing; put it into a function'),
    ),
    ...[...code.matchAll(/^(?:export )?const [^=]+=\s*(?:new (\w+)|(create[A-Z]\w*)\s*\().*/gm)]
      .filter(([found, made]) => !isConstant(made, found))
      .map(([found]) => breach(found, 'make it in app.ts and hand it on as a dep')),
  ];
}

const CONSTANTS = ['Intl', 'RegExp', 'URL', 'TextEncoder', 'TextDecoder', 'BlockList'];

/** Tables and formatters that never change; an empty table is there to be filled. */
function isConstant(made: string | undefined, statement: string): boolean {
  if (made === 'Set' || made === 'Map') return !/new \w+(<[^=]*>)?\(\)/.test(statement);
  return made !== undefined && CONSTANTS.includes(made);
}

function findCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file).filter(isOurs)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(' → ');
      cycles.push(`${cycle} is a cycle: move what both need into a file of its own`);
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

/** Packages by name, files of ours by path from the root; `import`, `export … from`, `require`. */
function importsOf({ path, text }: SourceFile): string[] {
  const code = withoutComments(text);
  const patterns = [
    /^(?:import|export)\s[^;'"]*?from\s*'([^']+)'/gm,
    /^import\s*'([^']+)'/gm,
    /\b(?:import|require|import\.meta\.resolve)\(\s*'([^']+)'\s*[,)]/g,
  ];
  return namesIn(code, patterns).map((name) => resolveFrom(path, name));
}

/** Files started as a thread of their own: part of the room, but no import that could close a cycle. */
function workersOf({ path, text }: SourceFile): string[] {
  const pattern = /\bnew URL\(\s*'(\.[^']+)',\s*import\.meta\.url/g;
  return namesIn(withoutComments(text), [pattern]).map((name) => resolveFrom(path, name));
}

function namesIn(code: string, patterns: readonly RegExp[]): string[] {
  const names = patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => match[1] ?? ''),
  );
  return [...new Set(names)];
}

function resolveFrom(path: string, name: string): string {
  return name.startsWith('.') ? posix.normalize(join(dirname(path), name)) : name;
}

function isOurs(target: string): boolean {
  return target.startsWith('src/') || target.startsWith('locales/');
}

/** `src/bot/views/menu.ts` → `bot`; `src/app.ts` → `app.ts`; `locales/en/menu.json` → `locales`. */
function roomOf(path: string): string {
  const [top, room = ''] = path.split('/');
  return top === 'src' ? room : (top ?? '');
}

/** Rough, and enough: no string of ours holds the start of a comment behind a blank. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}
