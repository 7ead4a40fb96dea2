# Runs as root inside the runner image; allowed to fail where there is no package index.
python3 -m venv /opt/awscli
/opt/awscli/bin/pip install --no-cache-dir --disable-pip-version-check awscli
ln -sf /opt/awscli/bin/aws /usr/local/bin/aws
/usr/local/bin/aws --version
