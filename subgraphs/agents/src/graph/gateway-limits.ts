/** What the gateway takes of one operation, unless it is told otherwise; a contract test holds these to its own defaults. */
export const GATEWAY_LIMITS = { maxTokens: 1_000, maxDepth: 10, maxAliases: 15 } as const;
