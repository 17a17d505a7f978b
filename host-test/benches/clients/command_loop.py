"""The protocol of the clients. Each line of standard input is a command as JSON. For each, the client writes a line with the
elapsed time, the processor time and the number of document bytes to standard output.

| command | meaning |
|---|---|
| `fresh` | drops the connection; each further command has a new one |
| `kept` | drops the connection; further commands share a new one |
| `access`, `preview`, `erase`, `erase-and-verify` | serves a request for the data subject `email` |
| `stream` | serves an access request; only hosts of the component support it |
"""

import json
import sys
import time
from collections.abc import Callable


def run(execute: Callable[[dict[str, str]], int]) -> None:
    """Runs commands until the end of standard input. `execute` runs one command, and returns the number of document bytes that it
    read.
    """
    for line in sys.stdin:
        command = json.loads(line)
        cpu_before, start = time.process_time(), time.perf_counter()
        document_bytes = execute(command)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu_before
        print(json.dumps({"wall_s": wall, "cpu_s": cpu, "bytes": document_bytes}), flush=True)
