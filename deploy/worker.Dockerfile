# This product's image: sources as they are (Node strips the types), production packages, the workflow bundle built ahead.
# A worker by default; Jobs in the cluster run its command line, `node client/cli/main.ts preflight …`.
# Build from the root of the repository: docker build -f deploy/worker.Dockerfile -t goldenpath-worker .
FROM node:24.21.0-bookworm-slim

# Certificates for TLS to a Temporal server elsewhere: the native part of the SDK reads the system's.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*

WORKDIR /app
# Optional packages are Node itself for machines with an older one; this image has it.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

COPY domain/ domain/
COPY iam/ iam/
COPY activities/ activities/
COPY workflows/ workflows/
COPY workers/ workers/
COPY client/ client/
COPY environments/ environments/
RUN node workers/bundle.ts

# The authorities that sign the certificates of RDS. No checksum: AWS adds to the bundle under the same address.
ADD --chmod=644 https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem rds-global-bundle.pem
ENV GOLDENPATH_RDS_CA=/app/rds-global-bundle.pem

USER node
# SIGTERM is handled by the worker itself; --optimize-for-size saves some 60 MB of memory.
CMD ["node", "--optimize-for-size", "workers/main.ts"]
