# escape=`
# syntax=docker/dockerfile:1.10

# syntax=acme/no-directive:1
FROM `
  alpine:3.20
RUN <<EOF cat <<-"OTHER"
FROM acme/inside:1
EOF
	FROM acme/inside:2
	OTHER
COPY <<'END' /etc/x
FROM acme/inside:3
END
RUN echo "<<NEVER" C:\dir\
FROM busybox:1.37
