/**
 * The health check of a container: exit code 0 when the role at the given base URL says that it is ready for work. What it
 * says about its components is what `docker inspect` then shows.
 */
const ANSWER_WITHIN_MS = 4_000;

const [baseUrl] = process.argv.slice(2);
const answer = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
console.log(await answer.text());
process.exitCode = answer.ok ? 0 : 1;
