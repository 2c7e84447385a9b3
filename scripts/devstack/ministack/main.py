# Starts MiniStack, as it is by now: see ministack.go.
import sys

from ministack import app

sys.argv = ["ministack"]
try:
    with open("/proc/self/comm", "w") as comm:
        comm.write("ministack")  # among the processes it is not just another Python
except OSError:
    pass  # no Linux
app.main()
