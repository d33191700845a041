# The job as a container: Python, locked dependencies, our source, nothing else.
#
# Promises: every dependency is a wheel whose hash is in requirements.lock; everything is compiled to bytecode at build
# time; no compiler, package manager, pip, cache or simulated vendor is inside; the program runs as a numeric user who owns
# nothing, on a root file system that may be read-only; it needs no argument. From one base, two builds of one commit
# make the same layer, to the byte.
# Not here: secrets, and the choice of a base by digest, which the build passes as BASE.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# Parts of requirements.lock: "runtime" for the job, "runtime http" for HTTP entry points as well.
ARG PARTS=runtime
# Without it the order of a set inside a piece of bytecode would be another one in each build.
ENV PYTHONHASHSEED=0
COPY requirements.lock /build/
RUN awk -v parts=" ${PARTS} " '/^# == / { wanted = index(parts, " " $3 " ") } wanted' \
      /build/requirements.lock > /build/wanted.txt \
 && python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps --only-binary :all: \
      --require-hashes --requirement /build/wanted.txt
COPY job /app/job
# Bytecode that is not compared with file times, which are all made the same below.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app /opt/venv/lib

FROM ${BASE} AS root
ENV PYTHONHASHSEED=0
# The list of installed packages stays in /var/lib/dpkg/status, and under what licence each is in /usr/share/doc: scanners
# and the bill of materials read them. The official base comes without the standard library's bytecode, which would be made
# anew, and thrown away, at every start.
RUN stdlib="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf "$stdlib"/config-* "$stdlib"/ensurepip "$stdlib"/idlelib "$stdlib"/pydoc_data "$stdlib"/test \
      "$stdlib"/site-packages/* /usr/lib/python3/dist-packages /usr/local/include /usr/share/python-wheels \
      /usr/local/bin/*pip* /usr/bin/*pip* /usr/bin/apt* /usr/bin/dpkg* /usr/bin/perl* /usr/bin/sqv \
      /usr/lib/apt /usr/lib/dpkg /usr/lib/*/gconv /usr/lib/*/libapt* /usr/lib/*/perl* /usr/share/perl* \
      /usr/share/info /usr/share/locale /usr/share/man \
      /var/cache /var/lib/apt /var/lib/dpkg/info /var/log/* /root/.cache \
 && find /usr/share/doc -type f ! -name copyright -delete \
 && find "$stdlib" -name '*.pyc' -delete \
 && python -m compileall -q --invalidation-mode unchecked-hash "$stdlib"
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# What becomes the image, and nothing that a build mounts for itself (/etc/resolv.conf, /run). A layer holds times as well,
# so everything has one: 1 January 2020.
RUN mkdir /image && cp -a /app /bin /etc /home /lib* /opt /root /sbin /usr /var /image \
 && rm -f /image/etc/hostname /image/etc/hosts /image/etc/mtab /image/etc/resolv.conf \
 && mkdir -m 1777 /image/tmp && mkdir /image/dev /image/proc /image/run /image/sys \
 && find /image -exec touch --no-dereference --date=@1577836800 {} +

# One layer, so that what was removed is not carried along underneath.
FROM scratch
ARG REVISION=unknown
ARG CREATED=unknown
ARG VERSION=unknown
ARG SOURCE=unknown
ARG BASE=python:3.13-slim
LABEL org.opencontainers.image.title="halo-jira-sync" \
      org.opencontainers.image.description="Keeps CloudPassage Halo issues and Jira tickets in step." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.created="${CREATED}"
# hadolint ignore=DL3067
COPY --from=root /image /
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
# A name that the image does not know would be run as root by Cloud Run.
USER 65532:65532
ENTRYPOINT ["python", "-m", "job"]
