FROM busybox AS trigger
ONBUILD COPY one.txt /triggered/
ONBUILD RUN echo ran >/triggered/ran
ONBUILD ENV TRIGGERED=1
ONBUILD CMD ["of", "the", "trigger"]

FROM trigger
WORKDIR /after
