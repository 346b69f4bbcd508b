# escape=`
FROM busybox
ENV A=one`
 B=C:\dir\
RUN echo a `
  # a comment within
  b >/joined
CMD ["a", `
     "b"]
