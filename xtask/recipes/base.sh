# Runs as root inside a fresh `debootstrap --variant=minbase`, with the host's certificates in place.
# The packages that pull in compilers as a recommendation are not wanted here.
printf 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n' > /etc/apt/apt.conf.d/90-small
apt-get -q update
apt-get -q -y install ca-certificates python3 python3-pip python3-venv
update-ca-certificates
