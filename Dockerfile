# syntax=docker/dockerfile:1
# The image of every role: `docker compose build` makes it, docker-compose.yml says which role a container runs. The Node is
# the one that package.json pins, on the C library that the tests run on.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY . .
# Optional packages are programs for machines without containers: embedded PostgreSQL, Node itself.
RUN npm ci --ignore-scripts --omit=optional --no-audit --no-fund \
 && npx tsc -b cli \
 && find . -name node_modules -prune -o -type d -name src -prune -exec rm -r {} + \
 && find . -name node_modules -prune -o -type f \
      \( -name '*.spec.*' -o -name '*.d.ts' -o -name '*.tsbuildinfo' -o -name 'tsconfig*.json' \) -exec rm {} + \
 && npm ci --ignore-scripts --omit=optional --omit=dev --workspace @aurorasoc/cli --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production AURORA_HOME=/var/lib/aurora
# A new volume takes over owner and mode of the folder it is mounted on.
RUN install -d -o node -g node -m 0700 /var/lib/aurora /var/lib/aurora/keys /var/lib/aurora/ingest
WORKDIR /app
# Owned by root: a role cannot change its own code.
COPY --from=build /app .
USER 1000:1000
ENTRYPOINT ["node", "/app/cli/dist/bin.js"]
CMD ["serve", "--role", "gateway"]
# Of the gateway; docker-compose.yml gives every other role the address of its own health.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "/app/deploy/is-ready.mjs", "http://127.0.0.1:8000"]
