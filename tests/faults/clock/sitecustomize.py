"""Python imports this by itself where this folder is in its path: the clock is wrong by so many seconds."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(os.environ["FAULTS_SKEW"])), tick=True).start()
