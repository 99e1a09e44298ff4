# One image for the Ray head, the workers and the job: Ray and raysim, nothing else. Configuration is mounted, never baked in.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY raysim ./raysim
RUN python3 -m venv /opt/raysim \
 && /opt/raysim/bin/pip install --no-cache-dir -c constraints.txt '.[kube]'

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="raysim" \
      org.opencontainers.image.description="Load-test a multi-tenant LLM inference platform the way its users use it, on Ray." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 1000 raysim && useradd --uid 1000 --gid 1000 --create-home raysim
COPY --from=build /opt/raysim /opt/raysim
ENV PATH=/opt/raysim/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0
USER 1000:1000
WORKDIR /home/raysim
ENTRYPOINT ["raysim"]
CMD ["--help"]
