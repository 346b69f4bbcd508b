FROM busybox
RUN mkdir -p /real /a/b && ln -s /real /lnk && ln -s real /rel && echo old >/a/b/file && chmod 700 /a && ln -s ../up /a/out && echo x >/etc/target && ln -s /etc/target /a/filelink
COPY one.txt /lnk/
COPY one.txt /rel/in/
COPY tree /a/
COPY one.txt /a/b/file
COPY one.txt /a/filelink
COPY tree /tmp
WORKDIR /lnk/work
RUN rm -r /a/b && rm /deep 2>/dev/null; rm -rf /tree/sub; mkdir /a/b && echo new >/a/b/other
