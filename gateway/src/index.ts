/**
 * The role `gateway`: one graph over all subgraphs, for queries and mutations over HTTP and for live fields over WebSocket.
 */
import {
  AGENTS_ISSUER,
  ApiKeyVerifier,
  GATEWAY_ISSUER,
  readPrivateKey,
  readPublicKey,
  TokenSigner,
  TokenVerifier,
} from '@aurorasoc/kit/auth';
import { Health } from '@aurorasoc/kit/health';
import { runProcess } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { startTelemetry } from '@aurorasoc/kit/telemetry';
import { Authenticator } from './auth/authenticator.js';
import { INTERNAL_TOKEN_SECONDS } from './auth/internal-tokens.js';
import { readEnvironment } from './environment.js';
import { createGateway } from './gateway.js';
import { readSupergraph } from './supergraph.js';
import { watchSupergraph } from './watch-supergraph.js';

export { Authenticator, type Session } from './auth/authenticator.js';
export { INTERNAL_TOKEN_SECONDS } from './auth/internal-tokens.js';
export { createGateway, type Gateway, type GatewayOptions } from './gateway.js';
export { loadSupergraph, readSupergraph } from './supergraph.js';

const SERVICE = 'gateway';

/** Runs the gateway until a signal. @throws AuroraError `CONFIGURATION_INVALID` before anything is started. */
export async function runGateway(): Promise<void> {
  const environment = readEnvironment();
  const supergraph = readSupergraph(environment.SUPERGRAPH_FILE);
  const log = createLog(SERVICE, environment.LOG_LEVEL);
  await runProcess({ log, isSupervised: environment.AURORA_SUPERVISED === '1' }, async (stopper) => {
    stopper.add('telemetry', startTelemetry(SERVICE, environment.OTEL_EXPORTER_OTLP_ENDPOINT), (telemetry) =>
      telemetry.shutdown(),
    );
    const health = new Health(SERVICE);
    const tokens = new TokenVerifier(
      SERVICE,
      new Map([[AGENTS_ISSUER, readPublicKey(environment.AGENTS_PUBLIC_KEY_FILE)]]),
    );
    const gateway = await createGateway({
      supergraph,
      subgraphUrls: environment.subgraphUrls,
      authenticator: new Authenticator(new ApiKeyVerifier(environment.AURORA_API_KEYS_FILE, health, log), tokens),
      signer: new TokenSigner(
        GATEWAY_ISSUER,
        readPrivateKey(environment.GATEWAY_PRIVATE_KEY_FILE),
        INTERNAL_TOKEN_SECONDS,
      ),
      host: environment.HOST,
      port: environment.PORT,
      allowedOrigins: environment.GATEWAY_ALLOWED_ORIGINS,
      operationLimits: {
        maxTokens: environment.GRAPHQL_MAX_TOKENS,
        maxDepth: environment.GRAPHQL_MAX_DEPTH,
        maxAliases: environment.GRAPHQL_MAX_ALIASES,
        maxVariableValues: environment.GRAPHQL_MAX_VARIABLE_VALUES,
        introspection: environment.GRAPHQL_INTROSPECTION === 'on',
      },
      health,
      log,
    });
    stopper.add('gateway', gateway, (part) => part.stop());
    const watch = { file: environment.SUPERGRAPH_FILE, current: supergraph, replace: gateway.replace };
    stopper.add('watch of the supergraph', watchSupergraph({ ...watch, health, log }), (end) => end());
    log.info({ url: `${gateway.url}/graphql` }, 'Gateway is ready');
  });
}
