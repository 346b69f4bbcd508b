FROM busybox
ARG NAME=you
COPY <<one <<"two" <<-three /docs/
hello $NAME ${NAME:-x} \$kept
one
hello $NAME
two
	tabs are	gone
three
COPY --chmod=755 <<script /run-me
#!/bin/sh
echo ran
script
RUN <<EOT
set -e
echo first >/first
echo "second $NAME" >/second
EOT
RUN <<EOT sh -e
echo shell >/third
EOT
RUN <<EOT
#!/bin/ash
echo bang >/fourth
EOT
RUN cat <<EOT >/fifth
$NAME
EOT
