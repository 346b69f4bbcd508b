# escape=\
ARG BASE=busybox
ARG WHO=world
FROM ${BASE} AS maker
ARG WHO
ENV MADE=yes
WORKDIR /out
RUN echo "$WHO" >made && mkdir dir && echo in >dir/in && ln -s made link && chown 7:8 made
COPY tree tree
COPY links links

FROM maker AS unused
RUN exit 1

FROM scratch AS files
COPY --from=maker /out/made /out/link /from/
COPY --from=0 /out /all
COPY --from=0 /out/links/real /out/links/twin /apart/
COPY --from=busybox /bin/busybox /bin/

FROM busybox
ARG WHO=nobody
COPY --from=files / /files/
COPY --from=maker --chown=9:10 /out/dir/ /dir/
ENV WHO=${WHO}
ONBUILD ENV LATER=1
