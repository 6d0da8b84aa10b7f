"""Inside the container: run function.py with this program's arguments, then print its resource usage as JSON.

Peak bytes of the control group include the file cache, which shrinks when memory is short. Peak bytes of the process
are its own memory.
"""

import json
import os
import resource
import runpy
import sys
from pathlib import Path

PEAKS = (Path("/sys/fs/cgroup/memory.peak"), Path("/sys/fs/cgroup/memory/memory.max_usage_in_bytes"))
"""Files of version 2 and version 1 of control groups."""

runpy.run_path(str(Path(__file__).with_name("function.py")))
times = os.times()
usage = {
    "cpu_s": times.user + times.system,
    "group_bytes": int(next(file for file in PEAKS if file.exists()).read_text(encoding="ascii")),
    "process_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}
sys.stdout.write("\n" + json.dumps(usage))
