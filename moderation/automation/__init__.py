"""House rules that decide by themselves, inside limits: off by default, measured all the time, stopped when in doubt.

`history` says how well a rule would have decided, `switch` puts it on and off, `acting` decides, `watch` measures what
was decided and stops what falls below its promise.
"""
