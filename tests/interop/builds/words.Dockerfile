FROM busybox
ARG A=value
ARG EMPTY=
ARG FILE=path/to/file.tar.gz
ARG TARGETPLATFORM
ARG TARGETARCH
ARG BUILDPLATFORM
ENV D1=${A:-x} D2=${EMPTY:-x} D3=${EMPTY-x} D4=${NONE-x} D5=${NONE:-${A}}
ENV P1=${A:+x} P2=${EMPTY:+x} P3=${NONE+x} P4=${EMPTY+x}
ENV S1=${FILE#*/} S2=${FILE##*/} S3=${FILE%.*} S4=${FILE%%.*} S5=${FILE/to/from} S6=${FILE//t/T}
ENV Q1="a\$b" Q2='a$b' Q3=a\ b Q4="a'b" Q5='a"b' Q6=a"b c"d
ENV ON=$TARGETPLATFORM/$TARGETARCH/$BUILDPLATFORM
LABEL "$A"="$A" plain=$A$A
WORKDIR /$A/${A}
COPY one.txt ${A}.txt
EXPOSE ${NONE:-81}/udp
VOLUME /$A
USER ${NONE:-nobody}
STOPSIGNAL ${NONE:-SIGINT}
