# Starts MiniStack with the changes of the scripts before this one: see locked.go.
import sys

from ministack import app

sys.argv = ["ministack"]
try:
    with open("/proc/self/comm", "w") as comm:
        comm.write("ministack")  # so that process lists don't just show python
except OSError:
    pass  # not Linux
app.main()
