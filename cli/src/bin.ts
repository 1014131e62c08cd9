#!/usr/bin/env node
/** `aurora`: the command line of AuroraSOC. Here the commands are declared; each lives in a file of commands/. */
import { createRequire } from 'node:module';
import { badUserInput } from '@aurorasoc/kit/errors';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_WAIT_SECONDS } from './commands/retrying.js';
import { escapeControls } from './terminal/escape-controls.js';
import { EXIT, reportError } from './terminal/report-error.js';
import { requireNode } from './terminal/require-node.js';

const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };

const program = new Command('aurora')
  .version(version)
  .description('Runs and operates AuroraSOC.')
  .showHelpAfterError('(add --help for the usage)')
  .exitOverride()
  // What was mistyped is repeated there.
  .configureOutput({ outputError: (text, write) => write(text.split('\n').map(escapeControls).join('\n')) })
  // `doctor` tells it as one of its findings, and runs.
  .hook('preAction', (_, command) => {
    if (command.name() !== 'doctor') requireNode();
  });

/** Each command's code is imported when the command runs: `serve` must hold its role's code alone. */
function run<A extends readonly unknown[]>(load: () => Promise<(...args: A) => void | Promise<void>>) {
  return async (...args: A): Promise<void> => {
    const command = await load();
    await command(...args);
  };
}

/** The largest page that the graph gives. */
const MOST_NODES = 200;

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError('It takes seconds, from 0 to 3600.');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (text.trim() !== '' && Number.isInteger(count) && count >= 0 && count <= MOST_NODES) return count;
  throw new InvalidArgumentError(`It takes a whole number from 0 to ${MOST_NODES}.`);
}

const MOST_EVENTS = 100_000;

function parseLimit(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_EVENTS) return count;
  throw new InvalidArgumentError(`It takes a whole number from 1 to ${MOST_EVENTS}.`);
}

function parseUrl(option: string) {
  return (text: string): string => {
    if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
    throw badUserInput(option, `"${text}" is no address; give one like http://127.0.0.1:8010`);
  };
}

const profile = new Option('--profile <name>', 'profile of credentials.json (default: AURORA_PROFILE, else "local")');
const url = new Option('--url <url>', 'gateway to talk to (default: AURORA_URL, else the profile)').argParser(
  parseUrl('--url'),
);
const ingestUrl = new Option(
  '--ingest-url <url>',
  'ingest to send to (default: AURORA_INGEST_URL, else the profile)',
).argParser(parseUrl('--ingest-url'));
const token = new Option('--token <token>', 'token to use (default: AURORA_TOKEN, else the profile)');
const sample = new Option('--sample', 'use the sample tenant').default(false);
const wait = new Option('--wait <seconds>', 'for how long to try again while ingest is away')
  .argParser(parseSeconds)
  .default(DEFAULT_WAIT_SECONDS);
const json = new Option('--json', 'print JSON').default(false);

program
  .command('up')
  .description('run a whole site here: services, schemas, every role; Ctrl-C stops it')
  .action(run(async () => (await import('./commands/up.js')).up));

program
  .command('serve')
  .description('run one role in this process, configured by its environment')
  .requiredOption('--role <name>', 'what to run; an unknown name lists all')
  .addOption(
    new Option('--workers <on|off>', "off: leave a domain's workers to processes of the role <domain>-worker")
      .choices(['on', 'off'])
      .default('on'),
  )
  .action(run(async () => (await import('./commands/serve.js')).serve));

program
  .command('keys')
  .description('make the keys of an installation under AURORA_HOME, whichever are missing; `up` does it by itself')
  .action(run(async () => (await import('./commands/keys.js')).makeKeys));

program
  .command('migrate')
  .description('bring the schemas of all domains up to date (DATABASE_URL, AURORA_SECRET_FILE)')
  .action(run(async () => (await import('./commands/migrate.js')).migrate));

program
  .command('status')
  .description('what runs and how it is; exit code 1 when anything is down')
  .addOption(json)
  .option('--check', 'send a synthetic event all the way and report each stage', false)
  .option('--timeout <seconds>', 'longest time for the check', parseSeconds)
  .action(run(async () => (await import('./commands/status.js')).status));

program
  .command('doctor')
  .description('examine machine and installation, and say what to do')
  .addOption(json)
  .action(run(async () => (await import('./commands/doctor.js')).doctor));

program
  .command('send')
  .description('send files of events, or standard input (-), to ingest')
  .argument('<files...>', 'NDJSON, lines of text, or JSON documents in any layout; also gzip, and UTF-16 with its mark')
  .addOption(new Option('--format <format>', 'how to read them').choices(['auto', 'lines', 'json']).default('auto'))
  .addOption(wait)
  .addOption(sample)
  .addOption(profile)
  .addOption(ingestUrl)
  .addOption(url)
  .addOption(token)
  .addOption(json)
  .action(run(async () => (await import('./commands/send.js')).send));

program
  .command('tail')
  .description('show the queue of open alerts, then follow alerts and investigations live; Ctrl-C ends it')
  .option('-n, --last <count>', 'how many alerts of the queue to begin with, 0 to 200 (default: 20)', parseCount)
  .option('--since <when>', 'begin with the alerts opened since: a duration (30m, 12h, 2d) or a moment (RFC 3339)')
  .option('-v, --verbose', 'show the tool calls of investigations, too', false)
  .addOption(sample)
  .addOption(profile)
  .addOption(url)
  .addOption(token)
  .addOption(json)
  .action(run(async () => (await import('./commands/tail.js')).tail));

program
  .command('events')
  .description('search the stored events, newest first')
  .argument(
    '[query]',
    'terms that must all hold, such as \'host.name:"WS-07" event.code:1\' (no OR, no words without a field); all events when left out',
  )
  .option('-n, --limit <count>', 'how many at most', parseLimit, 20)
  .addOption(sample)
  .addOption(profile)
  .addOption(url)
  .addOption(token)
  .addOption(json)
  .action(run(async () => (await import('./commands/events.js')).listEvents));

const tokens = program.command('token').description('create, list, revoke and show the API keys of this installation');
const createToken = tokens
  .command('create')
  .description('make a key and print its text, once')
  .requiredOption(
    '--role <name...>',
    'viewer, analyst, responder, lead, admin, integrator, service or site-admin; what each may do is told below',
  )
  .option('--tenant <tenant>', 'id of a tenant, or a profile', 'local')
  .option('--subject <name>', 'whom the key is for', 'cli')
  .addOption(new Option('--kind <kind>', 'what that is').choices(['user', 'service']).default('user'))
  .option('--expires <when>', 'duration (30d, 12h) or moment (RFC 3339); never when left out')
  .option('--save <profile>', 'also keep the text as this profile of credentials.json')
  .action(run(async () => (await import('./commands/token.js')).createToken));
// The roles are described by the code that checks them, which no other command's help needs.
if (process.argv.includes('token'))
  createToken.addHelpText('after', `\n${(await import('./commands/role-help.js')).describeRoles()}`);
tokens
  .command('list')
  .description('list keys, without their texts')
  .addOption(json)
  .action(run(async () => (await import('./commands/token.js')).listTokens));
tokens
  .command('revoke')
  .description('remove a key; it stops working within seconds')
  .argument('<id>')
  .action(run(async () => (await import('./commands/token.js')).revokeToken));
tokens
  .command('show')
  .description('print the text that a profile keeps')
  .argument('[profile]', 'profile of credentials.json', 'local')
  .action(run(async () => (await import('./commands/token.js')).showToken));

const deadLetters = program
  .command('dead-letters')
  .description('what consumers gave up: look at it, and have it handled once more');
deadLetters
  .command('list')
  .description('list what was given up and why, newest first; --json shows the entries themselves')
  .option('--stream <stream>', 'letters of this stream alone, such as aurora:ingest:events:0')
  .option('-n, --limit <count>', 'how many at most', parseLimit, 20)
  .addOption(sample)
  .addOption(profile)
  .addOption(url)
  .addOption(token)
  .addOption(json)
  .action(run(async () => (await import('./commands/dead-letters.js')).listDeadLetters));
deadLetters
  .command('replay')
  .description('have the group that gave a letter up handle it once more; needs the role lead or admin')
  .argument('<stream>', 'where the entry came from, as the list says')
  .argument('[id]', "the letter's id; left out with --all")
  .option('--all', 'every letter of the stream', false)
  .addOption(sample)
  .addOption(profile)
  .addOption(url)
  .addOption(token)
  .action(run(async () => (await import('./commands/dead-letters.js')).replayDeadLetters));

program
  .command('audit')
  .description('the record of what happened')
  .command('verify')
  .description('check that every recorded change is still as it was sealed; exit code 1 when one is not')
  .option('--tenant <tenant>', 'id of a tenant, or a profile (default: AURORA_PROFILE, else "local")')
  .addOption(json)
  .action(run(async () => (await import('./commands/audit.js')).verifyAudit));

program
  .command('tenant')
  .description('give up what a site holds of a tenant (tenant erase)')
  .command('erase')
  .description(
    "erase a tenant from every domain, for good, and revoke its keys if the site's key file is here (AURORA_API_KEYS_FILE, or under AURORA_HOME); needs a key of the role site-admin (token create --role site-admin --save site)",
  )
  .argument('<tenant>', 'id of a tenant, or a profile')
  .requiredOption('--reason <text>', 'why, for the record that stays')
  .option('--yes', 'do not ask to confirm', false)
  .addOption(
    new Option('--wait <seconds>', 'for how long to wait for the end; it goes on without')
      .argParser(parseSeconds)
      .default(60),
  )
  .addOption(profile)
  .addOption(url)
  .addOption(token)
  .addOption(json)
  .action(run(async () => (await import('./commands/tenant.js')).eraseTenant));

program
  .command('rules')
  .description('import detection rules (rules import)')
  .command('import')
  .description('save the Sigma rules of a folder, subfolders included')
  .argument('<folder>')
  .addOption(sample)
  .addOption(profile)
  .addOption(url)
  .addOption(token)
  .action(run(async () => (await import('./commands/rules.js')).importRules));

program
  .command('sample')
  .description('play the guided sample (sample play)')
  .command('play')
  .description('play the sample scenario into the sample tenant, through ingest')
  .option('--fast', 'send everything at once', false)
  .option('--file <file>', 'another scenario')
  .addOption(wait)
  .option('--profile <name>', 'profile of credentials.json whose tenant gets it (default: "sample")')
  .addOption(ingestUrl)
  .addOption(token)
  .action(run(async () => (await import('./commands/sample.js')).playSampleCommand));

try {
  await program.parseAsync();
} catch (error) {
  // The library has printed its own message, the help or the version by then.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else reportError(error);
}
