FROM busybox AS below
ENTRYPOINT ["/bin/below"]
CMD ["with", "words"]
HEALTHCHECK CMD ["true"]
STOPSIGNAL 9
ENV KEEP=1
LABEL keep=1 change=1
EXPOSE 1

FROM below AS above
# an entrypoint drops the command that was inherited
ENTRYPOINT ["/bin/above"]
HEALTHCHECK NONE
LABEL change=2
EXPOSE 2
STOPSIGNAL SIGTERM

FROM above
CMD []
USER nobody
