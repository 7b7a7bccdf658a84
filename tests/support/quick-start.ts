import asyncHooks from 'node:async_hooks';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { setFlagsFromString } from 'node:v8';

/**
 * Loaded first in every process of the suite: nothing here changes what a program does, only what that costs,
 * which is its start most of all.
 */

// The database's engine is compiled twice, quickly and then well; well pays after minutes only.
setFlagsFromString('--no-wasm-tier-up');
setFlagsFromString('--no-wasm-dynamic-tiering');
// Nor does a process of a few seconds run anything so often that the last tenth of its speed pays.
setFlagsFromString('--no-turbofan');
// With as many processes as cores the collector's helpers have nobody to run on, and cost more than they help.
setFlagsFromString('--single-threaded-gc');

// The test runner follows every promise there is, to tell which test an error belongs to that nobody waited for:
// a tenth of all that tests do. Without, such an error still fails the run, in the name of its file; and a global
// `test` or `before` after an await no longer knows the test around it (`t.test` and `t.before` do).
const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });
syncBuiltinESMExports();

/** What the project's own files import by a package's name, and where it is: the same for all of them. */
const packages = new Map<string, ReturnType<Parameters<typeof registerHooks>[0]['resolve'] & {}>>();

/**
 * For each import Node parses the package.json of the package anew, and drizzle's has 180 kB for 150 files
 * that we ask for a hundred times. An import by a relative path is what it says, so there is nothing to look
 * up; one by name is looked up once.
 */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL = '' } = context;
    if (!parentURL.includes('/node_modules/')) {
      if (/^[./]|:/.test(specifier)) return nextResolve(specifier, context);
      const found = packages.get(specifier) ?? nextResolve(specifier, context);
      packages.set(specifier, found);
      return { ...found, shortCircuit: true };
    }
    const known = /^\..*\.js$/.test(specifier) && parentURL.includes('/node_modules/drizzle-orm/');
    if (!known) return nextResolve(specifier, context);
    return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
  },
});
