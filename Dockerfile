# One image for the Ray head, the workers and the job: Ray and raysim, nothing else. Configuration is mounted, never
# baked in. `make image` builds it; docs/worker-pod.md says what it runs and what it needs.
ARG BASE_IMAGE=python:3.11.14-slim-bookworm

# a base that brings no Python, such as plain Debian bookworm, gets its distribution's; not in a pinned version, since
# Debian takes old ones away
FROM ${BASE_IMAGE} AS python
# hadolint ignore=DL3008
RUN command -v python3 >/dev/null || { \
      apt-get update \
   && apt-get install --yes --no-install-recommends python3 \
   && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log; \
    }

FROM python AS build
# hadolint ignore=DL3008
RUN python3 -c 'import ensurepip' 2>/dev/null || { \
      apt-get update \
   && apt-get install --yes --no-install-recommends python3-venv \
   && rm -rf /var/lib/apt/lists/*; \
    }
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY raysim ./raysim
# pip stays in this stage; every dependency is a wheel, so that nothing is compiled
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv --without-pip /opt/raysim \
 && python3 -m venv /opt/pip \
 && /opt/pip/bin/pip --python /opt/raysim/bin/python install \
      --no-cache-dir --only-binary=:all: --constraint constraints.txt '.[kube,tokenizer]'

FROM python
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE_URL=""
LABEL org.opencontainers.image.title="raysim" \
      org.opencontainers.image.description="Load-test a multi-tenant LLM inference platform the way its users use it, on Ray." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE_URL}"
# nobody in it becomes somebody else: programs lose what would let them
RUN groupadd --gid 1000 raysim \
 && useradd --no-log-init --uid 1000 --gid 1000 --create-home raysim \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /opt/raysim /opt/raysim
ENV PATH=/opt/raysim/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RAY_USAGE_STATS_ENABLED=0
USER 1000:1000
WORKDIR /home/raysim
ENTRYPOINT ["raysim"]
CMD ["--help"]
