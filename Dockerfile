# The server alone: PostgreSQL is a container, or a machine, of its own (docker-compose.yml).
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /ostiary
COPY package.json package-lock.json .npmrc ./
# Optional are Node itself, which the image has, and the embedded PostgreSQL, which is not used here.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production OSTIARY_HOST=0.0.0.0
WORKDIR /ostiary
COPY --from=packages /ostiary/node_modules node_modules
COPY package.json openapi.yaml LICENSE ./
COPY schemas schemas
COPY policies policies
COPY migrations migrations
COPY src src
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OSTIARY_PORT || 8080}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["serve"]
