# Runs as root inside the base.
apt-get -q -y install bash git curl sudo jq unzip zip zstd xz-utils tar gzip bzip2 openssh-client iproute2 iputils-ping procps file less lsb-release
ln -sf python3 /usr/bin/python
# Only the client: the daemon in the same package would bring containerd and runc along for nothing.
cd /tmp
apt-get -q download docker.io
dpkg-deb --fsys-tarfile docker.io_*.deb | tar -x -C / ./usr/bin/docker
rm docker.io_*.deb
/usr/bin/docker --version
# The host's node was copied here when it is new enough; Debian 12 itself has 18.
if [ -x /usr/local/bin/node ] && /usr/local/bin/node --version; then
  ln -sf node /usr/local/bin/nodejs
else
  rm -f /usr/local/bin/node
  apt-get -q -y install nodejs
fi
