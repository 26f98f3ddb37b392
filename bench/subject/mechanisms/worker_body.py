"""What a worker does: it imports, tells that it is ready, and stays until it is let go. It imports no harness."""

import os
from time import perf_counter_ns as now


def work(folder, names):
    """Import modules, write process id and time into the pipe `told`, and wait for a byte of the pipe `gate`.

    Both are named pipes in `folder`: a child opens them in the same way, however it was started.
    """
    gate = os.open(os.path.join(folder, "gate"), os.O_RDONLY)
    told = os.open(os.path.join(folder, "told"), os.O_WRONLY)
    for name in names:
        __import__(name)
    os.write(told, b"%d %d\n" % (os.getpid(), now()))
    os.read(gate, 1)
    os.close(told)
    os.close(gate)
