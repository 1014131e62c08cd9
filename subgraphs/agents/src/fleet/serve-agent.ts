/** One agent's A2A server: card and JSON-RPC, both for callers with a token only. */
import { createServer, type Server } from 'node:http';
import { AGENT_CARD_PATH } from '@a2a-js/sdk';
import { DefaultRequestHandler } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler } from '@a2a-js/sdk/server/express';
import { listen } from '@aurorasoc/kit/health';
import express from 'express';
import { agentCard } from '../a2a/agent-card.js';
import { callerOf, type FleetGuard } from './authenticate.js';
import { RecentTasks } from './recent-tasks.js';
import { answerErrors, refuseDeepBody } from './refuse-request.js';
import { ProgramExecutor, type RunAgentOptions } from './run-agent.js';

export interface ServeAgentOptions extends RunAgentOptions {
  readonly guard: FleetGuard;
  /** `A2A_HOST`. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

export interface AgentServer {
  readonly server: Server;
  readonly url: string;
}

/** @throws AuroraError `PORT_TAKEN`, `CONFIGURATION_INVALID` */
export async function serveAgent(options: ServeAgentOptions): Promise<AgentServer> {
  const { agent, guard, host } = options;
  const app = express();
  app.disable('x-powered-by');
  app.use(guard.requireCaller);
  const server = createServer(app);
  const port = await listen(server, options.port, host, 'A2A_HOST');
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const requestHandler = new DefaultRequestHandler(
    agentCard(agent, url),
    new RecentTasks(),
    new ProgramExecutor(options),
  );
  app.use(`/${AGENT_CARD_PATH}`, agentCardHandler({ agentCardProvider: requestHandler }));
  // The library reads no body that is read already, and would leave what is wrong with it to Express.
  app.use(express.json(), refuseDeepBody);
  app.use(jsonRpcHandler({ requestHandler, userBuilder: async (request) => callerOf(request) }));
  app.use(answerErrors(options.log));
  return { server, url };
}
