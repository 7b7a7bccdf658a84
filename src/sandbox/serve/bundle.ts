import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const pageFolder = join(import.meta.dirname, '../page');
const samplesFolder = join(pageFolder, 'samples');

/** The files of the page, by the path they are asked for. */
export type Assets = ReadonlyMap<string, Asset>;

/** One file of the page. */
export interface Asset {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
}

/**
 * Bundles the page in memory, which takes some tens of milliseconds.
 * @throws {Error} ERR_MODULE_NOT_FOUND when the development packages are not installed
 */
export async function bundlePage(): Promise<Assets> {
  const { build } = await import('esbuild');
  const [{ outputFiles }, html, icon, samples] = await Promise.all([
    build({
      entryPoints: { page: join(pageFolder, 'main.tsx') },
      bundle: true,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      loader: { '.svg': 'dataurl' },
      minify: true,
      outdir: '/',
      write: false,
      logLevel: 'silent',
    }),
    readFile(join(pageFolder, 'page.html')),
    readFile(join(pageFolder, 'icon.svg')),
    readSamples(),
  ]);
  const assets = new Map<string, Asset>([
    ['/', { bytes: html, mimeType: 'text/html; charset=utf-8' }],
    ['/icon.svg', { bytes: icon, mimeType: 'image/svg+xml' }],
    ...samples.map(({ name, bytes }) => {
      return [`/samples/${name}`, { bytes, mimeType: 'image/jpeg' }] as const;
    }),
    ['/samples', listOf(samples.map(({ name }) => name))],
  ]);
  for (const { path, contents } of outputFiles) {
    const isStyle = path.endsWith('.css');
    const mimeType = `text/${isStyle ? 'css' : 'javascript'}; charset=utf-8`;
    assets.set(isStyle ? '/page.css' : '/page.js', { bytes: contents, mimeType });
  }
  return assets;
}

async function readSamples() {
  const names = (await readdir(samplesFolder)).filter((name) => name.endsWith('.jpg')).sort();
  return Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(join(samplesFolder, name)) })),
  );
}

function listOf(names: readonly string[]) {
  return { bytes: Buffer.from(JSON.stringify(names)), mimeType: 'application/json' };
}
