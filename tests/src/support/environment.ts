/** What the tests take from the environment; nothing else in this folder reads it. */

type Variables = Readonly<Record<string, string>>;

/** What any program that a test starts needs: where programs are, and whose they are. */
export function basicVariables(): Variables {
  return pickVariables(['PATH', 'HOME']);
}

/**
 * What npm needs to reach packages from here: a fact of the machine's network, not of the product. Service programs come by npm,
 * too.
 */
export function networkVariables(): Variables {
  const own = ['registry', 'proxy', 'https_proxy', 'noproxy', 'ca', 'cafile', 'strict_ssl'].map(
    (name) => `npm_config_${name}`,
  );
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return pickVariables([...own, ...proxies, 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']);
}

/** As `AURORA_SERVICES` says: `fetch` keeps the tests from programs on PATH. */
export function serviceSource(): 'fetch' | 'auto' {
  return process.env.AURORA_SERVICES === 'fetch' ? 'fetch' : 'auto';
}

/** As `AURORA_TEST_SHAPE` says: `split` gives the shared site two databases, and each domain three processes for its workers. */
export function isSiteSplit(): boolean {
  return process.env.AURORA_TEST_SHAPE === 'split';
}

/** Of the workers that run test files side by side, which this one is; from 1. */
export function testWorker(): number {
  return Number(process.env.VITEST_POOL_ID);
}

/** Folder of the public data sets, from `AURORA_FIXTURES`. */
export function givenFixturesFolder(): string | undefined {
  return process.env.AURORA_FIXTURES || undefined;
}

/** Those of the variables that are set. */
export function pickVariables(names: readonly string[]): Variables {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
