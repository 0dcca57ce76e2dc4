# One file for CPU and GPU: torch's own wheels carry CUDA, the host gives only the driver.
# `make image` and `make image-gpu` build it; docs/container.md says what each argument is for.
# No BuildKit syntax: any engine since 20.10 can build it.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

# The locked packages and torch in /opt/harness. Arguments of this stage stay out of the image.
FROM ${BASE} AS packages
ARG FLAVOUR=cpu
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /build
COPY requirements/image.sh requirements/runtime.txt requirements/torch.txt requirements/
# Wheels and a certificate authority of the builder's own, where the context has them.
COPY requirements/torch.txt builder-ca.cr[t] wheels/${FLAVOUR}* /wheels/
RUN requirements/image.sh packages

# The project itself, laid out under /stage, so that a changed line of code is a small layer.
FROM packages AS project
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY requirements/licences.py requirements/self_test.py requirements/
COPY checks checks
COPY manifests manifests
COPY report_templates report_templates
COPY schemas schemas
COPY harness harness
RUN requirements/image.sh project

FROM ${BASE}
# The folders are open to every user: `docker run --user` may name one without a passwd entry.
# The home folder is /tmp, which stays writable where --read-only closes the rest.
RUN echo 'harness:x:1000:1000:harness:/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'harness:x:1000:' >> /etc/group \
    && mkdir -p /harness/mirror /harness/runs /harness/store \
    && chmod -R 1777 /harness
ENV PATH=/opt/harness/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp USER=harness LOGNAME=harness \
    XDG_CACHE_HOME=/tmp/cache HF_HOME=/tmp/cache/huggingface MPLCONFIGDIR=/tmp/cache/matplotlib \
    HARNESS_STORE=/harness/store \
    HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 GX_ANALYTICS_ENABLED=false \
    CUBLAS_WORKSPACE_CONFIG=:4096:8 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8
COPY --from=packages /opt/harness /opt/harness
COPY --from=project /stage /
USER 1000:1000
WORKDIR /harness
# The build ends here where something is missing: the command, its data, torch, the encoder.
RUN harness list > /dev/null && python /opt/harness/share/harness/self_test.py && rm -rf /tmp/cache
ARG VERSION=unknown
ARG COMMIT=unknown
ARG LOCKS=unknown
ENV HARNESS_COMMIT=${COMMIT}
LABEL org.opencontainers.image.title="reproduction-harness" \
      org.opencontainers.image.description="Re-run a claim that a paper makes and say, with evidence, whether it holds" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="MIT" \
      harness.locks="${LOCKS}"
ENTRYPOINT ["harness"]
CMD ["--help"]
