"""Run a module with a clock that goes wrong: ``python -m tests.faults.skewed SECONDS MODULE ARGUMENT …``."""

import runpy
import sys
from datetime import UTC, datetime, timedelta

import time_machine

if __name__ == "__main__":
    seconds, module, *arguments = sys.argv[1:]
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds)), tick=True).start()
    sys.argv = [module, *arguments]
    sys.path.insert(0, "")
    runpy.run_module(module, run_name="__main__", alter_sys=True)
