"""Prints what an interpreter is, as JSON; nothing, where it cannot make virtual environments. Runs on any Python."""
import sys, os
stage = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(sys.version_info[3], "")
version = "%d.%d.%d" % sys.version_info[:3] + ("%s%d" % (stage, sys.version_info[4]) if stage else "")
try:
    implementation = sys.implementation.name
except AttributeError:
    implementation = "python2"
library = os.path.dirname(os.__file__)
wheels = [os.path.join(library, "ensurepip", "_bundled")]
if os.path.isdir(os.path.join(library, "venv")):
    quote = lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    print('{"implementation": %s, "version": %s, "executable": %s, "wheels": [%s]}' % (
        quote(implementation), quote(version), quote(getattr(sys, "_base_executable", None) or sys.executable),
        ", ".join(map(quote, wheels))))
