import subprocess
import sys

PROGRAM = """
from pathlib import Path
from wagateway.whatsapp import protos
protos.bare_neonize()
protos.E2E.Message(conversation="hello").SerializeToString()
libraries = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
print([name for name in libraries if "neonize" in name])
"""


def test_the_protobufs_come_without_the_go_library():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert ("[]\n", "") == (done.stdout, done.stderr)
