FROM busybox
ADD one.txt /added/
ADD packed.tar /plain/
ADD packed.tar.gz /gzip/
ADD packed.tar.xz packed.tar.bz2 /both/
ADD packed.tar.gz /named-like-a-file.tar.gz
ADD --chown=5:6 packed.tar.gz /chowned/
ADD not-a.tar.gz /kept/
ADD tree /tree
