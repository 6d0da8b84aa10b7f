"""Within the container: function.py with this program's arguments, then what the control group says of it, as JSON.

Peak bytes of the control group have the cache of files in them, which gives way when memory is short; those of the
process are what it held in memory at most.
"""

import json
import os
import resource
import runpy
import sys
from pathlib import Path

PEAKS = (Path("/sys/fs/cgroup/memory.peak"), Path("/sys/fs/cgroup/memory/memory.max_usage_in_bytes"))
"""Where version 2 and version 1 of control groups tell it."""

runpy.run_path(str(Path(__file__).with_name("function.py")))
used = os.times()
said = {
    "cpu_s": used.user + used.system,
    "group_bytes": int(next(each for each in PEAKS if each.exists()).read_text(encoding="ascii")),
    "process_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}
sys.stdout.write("\n" + json.dumps(said))
