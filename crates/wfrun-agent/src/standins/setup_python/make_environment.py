"""Makes a virtual environment in argv[1] and unpacks the wheels of pip and setuptools (argv[2:]) into it."""
import os, sys, venv, zipfile
folder, wheels = sys.argv[1], sys.argv[2:]
venv.EnvBuilder(symlinks=True, clear=os.path.exists(folder), with_pip=not wheels).create(folder)
minor = "%d.%d" % sys.version_info[:2]
packages = os.path.join(folder, "lib", "python" + minor, "site-packages")
for wheel in wheels:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
        record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    information = os.path.join(packages, os.path.dirname(record))
    with open(os.path.join(information, "INSTALLER"), "w") as file:
        file.write("pip\n")
    lines = [os.path.dirname(record) + "/INSTALLER,,\n"]
    if os.path.basename(wheel).startswith("pip-"):
        for name in ("pip", "pip3", "pip" + minor):
            script = os.path.join(folder, "bin", name)
            with open(script, "w") as file:
                file.write("#!" + os.path.join(folder, "bin", "python") + "\n# -*- coding: utf-8 -*-\nimport sys\n"
                           "from pip._internal.cli.main import main\nif __name__ == '__main__':\n    sys.exit(main())\n")
            os.chmod(script, 0o755)
            lines.append("../../../bin/" + name + ",,\n")
    # So that pip can replace itself: it deletes what the record names.
    with open(os.path.join(packages, record), "a") as file:
        file.write("".join(lines))
