# escape=`
# syntax=docker/dockerfile:1.7

# syntax=acme/no-directive:1
FROM `
  alpine:3.18
RUN <<EOF cat <<-"OTHER"
FROM acme/inside:1
EOF
	FROM acme/inside:2
	OTHER
COPY <<'END' /etc/x
FROM acme/inside:3
END
RUN echo "<<NEVER" C:\dir\
FROM busybox:1.36
