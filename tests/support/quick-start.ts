import { registerHooks } from 'node:module';
import { setFlagsFromString } from 'node:v8';

/**
 * Loaded first in every process of the suite: nothing here changes what a program does, only what its start
 * costs, which is most of what a short process does at all.
 */

// The database's engine is compiled twice, quickly and then well; well pays after minutes only.
setFlagsFromString('--no-wasm-tier-up');
setFlagsFromString('--no-wasm-dynamic-tiering');

/**
 * For each file of a package Node parses its package.json anew, and drizzle's has 180 kB for 150 files. An
 * import by a relative path is what it says, so there is nothing to look up.
 */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL } = context;
    const known = /^\..*\.js$/.test(specifier) && parentURL?.includes('/node_modules/drizzle-orm/');
    if (!known) return nextResolve(specifier, context);
    return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
  },
});
