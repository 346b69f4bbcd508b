FROM busybox
RUN mkdir /mine && chown 1000:1000 /mine && chmod 750 /mine
USER 1000
WORKDIR /mine/new
RUN touch here
WORKDIR ../up
WORKDIR /
