"""The protocol of the clients: one task as JSON on each line of standard input, its time and processor time on each line of
standard output. The benchmark calls a task an errand."""

import json
import sys
import time
from collections.abc import Callable


def run(do: Callable[[dict[str, str]], int]) -> None:
    """`do` runs one task, and returns the number of document bytes that it read."""
    for line in sys.stdin:
        errand = json.loads(line)
        cpu, wall = time.process_time(), time.perf_counter()
        read = do(errand)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps({"wall_s": wall, "cpu_s": cpu, "bytes": read}), flush=True)
