"""Runs errands: a line of JSON comes in, and a line goes out that says how long it took, and how much processor time."""

import json
import sys
import time
from collections.abc import Callable


def run(do: Callable[[dict[str, str]], int]) -> None:
    """`do` runs one errand; what it returns is how many bytes it read, where that is the point."""
    for line in sys.stdin:
        errand = json.loads(line)
        cpu, wall = time.process_time(), time.perf_counter()
        read = do(errand)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps({"wall_s": wall, "cpu_s": cpu, "bytes": read}), flush=True)
