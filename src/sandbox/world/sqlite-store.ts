import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Store, Table } from './store.ts';

const layoutVersion = 1;

/**
 * Opens the store kept in a folder, or begins one. Records live in an SQLite database with a
 * write-ahead log, files beside it. Whatever changes within one turn of the event loop is written
 * as one: after a kill all of it is there or none.
 *
 * @throws {Error} when another server has it open, or it is no store of this version.
 */
export function openSqliteStore(folder: string): Store {
  mkdirSync(folder, { recursive: true });
  const database = openDatabase(join(folder, 'sandbox.db'));
  const select = database.prepare('select key, json from records where name = ? order by id');
  const upsert = database.prepare(
    'insert into records (name, key, json) values (?, ?, ?) on conflict (name, key) do update set json = excluded.json',
  );
  const remove = database.prepare('delete from records where name = ? and key = ?');
  const removeAll = database.prepare('delete from records where name = ?');

  function flush(): void {
    if (database.isOpen && database.isTransaction) database.exec('commit');
  }

  /** Late timers may still change things after the store was closed: they are forgotten. */
  function write(change: () => void): void {
    if (!database.isOpen) return;
    if (!database.isTransaction) {
      database.exec('begin');
      queueMicrotask(flush);
    }
    change();
  }

  return {
    table<V>(name: string): Table<V> {
      const records = new Map(
        // Nobody but this store writes there, and it writes values of this type only.
        select.all(name).map((row) => [String(row['key']), JSON.parse(String(row['json'])) as V]),
      );
      return {
        get size() {
          return records.size;
        },
        get: (key) => records.get(key),
        set(key, value) {
          records.set(key, value);
          write(() => upsert.run(name, key, JSON.stringify(value)));
        },
        delete(key) {
          if (!records.delete(key)) return false;
          write(() => remove.run(name, key));
          return true;
        },
        clear() {
          records.clear();
          write(() => removeAll.run(name));
        },
        values: () => records.values(),
        entries: () => records.entries(),
      };
    },
    writeBytes(path, bytes) {
      const target = join(folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, bytes);
    },
    readBytes(path) {
      const target = join(folder, path);
      return existsSync(target) ? readFileSync(target) : undefined;
    },
    removeBytes(path) {
      rmSync(join(folder, path), { force: true });
    },
    flush,
    close() {
      flush();
      if (database.isOpen) database.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // An exclusive lock ends with its process, however that ends.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal');
    database.exec('pragma synchronous = normal');
    const version = database.prepare('pragma user_version').get()?.['user_version'];
    if (version !== 0 && version !== layoutVersion) throw new Error('of another version');
    database.exec(
      `create table if not exists records (
        id integer primary key, name text not null, key text not null, json text not null,
        unique (name, key)
      ) strict;
      pragma user_version = ${layoutVersion}`,
    );
    return database;
  } catch (error) {
    database.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      reason === 'database is locked'
        ? `${path} is in use by another server`
        : `${path} cannot be read (${reason}): move it away to begin anew`,
      { cause: error },
    );
  }
}
