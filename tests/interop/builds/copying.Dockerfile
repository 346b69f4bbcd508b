FROM busybox
WORKDIR /w
COPY one.txt two.txt ./
COPY one.txt renamed
COPY one.txt /deep/er/
COPY tree /tree
COPY tree /merged/
COPY tree/sub/ /merged
COPY tree/*.t?t tree/[a-b]* /globbed/
COPY --chown=33:44 --chmod=0640 one.txt /owned/
COPY --chown=www-data:mail tree /named
COPY --chmod=700 tree /closed
COPY links /links
COPY links/real links/twin /apart/
COPY links/[rt]* /matched/
COPY links tree /together/
COPY --chmod=600 --chown=1:2 links /dressed
COPY --link one.txt /linked/
COPY two.txt /links-to/
COPY . /all
