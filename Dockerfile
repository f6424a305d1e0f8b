# The service alone, without a compiler, a shell's privileges or a place to write. From the folder that holds pyproject.toml:
#
#     docker build --tag infgram .
#     docker run --read-only --tmpfs /tmp --publish 127.0.0.1:8000:8000 \
#         --volume "$PWD/corpus.infgram:/data/corpus.infgram:ro" infgram /data/corpus.infgram

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN python -m venv /opt/infgram \
    && /opt/infgram/bin/pip install --no-cache-dir --constraint tests/constraints.txt '.[service]'

FROM python:${PYTHON}-slim
COPY --from=build /opt/infgram /opt/infgram
# Inside, all interfaces: which of them are reachable is what --publish says.
ENV PATH=/opt/infgram/bin:$PATH PYTHONDONTWRITEBYTECODE=1 INFGRAM_HOST=0.0.0.0 INFGRAM_PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['INFGRAM_PORT'] + '/readyz', timeout=4)"]
ENTRYPOINT ["infgram", "serve"]
