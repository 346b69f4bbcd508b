FROM busybox
RUN echo one >/one && chmod 4755 /one && chown 3:4 /one
RUN ["/bin/sh", "-c", "echo two >/two"]
RUN ln /two /two-hard && ln -s two /two-soft && mkfifo /pipe && mkdir -p /d/e/f && chmod 1777 /d
RUN mknod /node c 1 3 && touch -d '2001-02-03 04:05:06' /d/old
RUN rm -r /d/e && rm /one && mkdir /one && echo in >/one/in
RUN rm -rf /d && mkdir -m 711 /d && echo fresh >/d/fresh
RUN mv /two-hard /moved && chmod 600 /two
RUN echo "someone:x:1234:1234::/home/someone:/bin/sh" >>/etc/passwd && echo "someone:x:1234:" >>/etc/group && mkdir /home/someone && echo hi >/home/someone/hi && chown -R someone:someone /home/someone
USER someone
WORKDIR /home/someone/work
RUN id -un >who; id -gn >>who; pwd >>who; umask >>who
ENV GREETING="hello you"
RUN echo "$GREETING" >greeting; env | sort >environment
RUN --mount=type=tmpfs,target=/scratch --mount=type=cache,target=/cache,uid=1234 echo x >/cache/x
RUN --mount=type=bind,source=tree,target=/bound cp -r /bound/sub copied; cat /bound/a.txt >a
RUN true
USER root
SHELL ["/bin/ash", "-e", "-c"]
RUN false || echo shelled >/shelled
