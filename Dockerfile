# One image for web and worker; ROLE says which. No sandbox and no embedded database inside.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY . .
RUN node src/cli/generate.ts && node_modules/.bin/vite build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-slim
ENV NODE_ENV=production ROLE=all HOST=0.0.0.0 PORT=4443 MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/build ./build
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/src ./src
COPY --from=build /app/package.json /app/prisma.config.ts ./
USER node
EXPOSE 4443
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
	CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Migrations: docker run … node src/cli/migrate.ts   First login: docker run … node src/cli/staff-create.ts
CMD ["node", "--max-semi-space-size=8", "--max-old-space-size=512", "--heap-growing-percent=15", "build/main.js"]
