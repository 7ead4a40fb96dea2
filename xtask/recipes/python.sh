# Runs as root inside the base. The official image lets `pip install` write where its interpreter looks; so does this.
ln -sf python3 /usr/bin/python
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
