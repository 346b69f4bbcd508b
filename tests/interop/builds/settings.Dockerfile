ARG VERSION=3
FROM busybox
ARG VERSION
ARG GIVEN=default
MAINTAINER somebody <some@body.example>
LABEL one=1 "two words"="a b" three="it's \"quoted\""
LABEL version=$VERSION given=${GIVEN}
ENV A=1 B="two words" C='single $A' D=$A-${B}
ENV OLD form of it
ENV PATH=/opt/bin:$PATH EMPTY=
ENV A=2 E=$A
EXPOSE 80 443/tcp 53/udp 8000-8002
EXPOSE $VERSION
VOLUME /data /more
VOLUME ["/json"]
USER 12:34
WORKDIR /srv
WORKDIR app
WORKDIR ${A}/x
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s --timeout=1m30s --start-period=250ms --start-interval=2s --retries=4 CMD test -e /alive || exit 1
SHELL ["/bin/sh", "-e", "-c"]
CMD echo "$HOME"
ENTRYPOINT exec top -b
ONBUILD RUN echo later
ONBUILD COPY . /there
