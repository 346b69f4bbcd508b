FROM scratch
LABEL only=this
COPY --chmod=555 one.txt /
ENTRYPOINT ["/one.txt"]
