"""Turns N whole nodes of Slurm into hosts of a fleet, and measures on each: python docs/fleet/slurm.py N [options].

Run it from the checkout, on a host that the nodes reach, with the packages `distributed` and `dask-jobqueue`. What
follows N are options of `bench fleet`. For PBS, LSF or SGE take the class of dask-jobqueue with that name.
"""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

nodes = int(sys.argv[1])
cluster = SLURMCluster(
    cores=1,  # threads of the worker: one task at a time
    processes=1,  # workers a job
    job_cpu=2,  # one CPU is measured, the controller of the run has the other; --exclusive gives the rest as well
    memory="4GiB",
    walltime="00:30:00",
    python="python3",  # on the nodes: 3.11 or later, with the same `distributed`
    job_extra_directives=["--exclusive", "--nodes=1"],
    worker_extra_args=["--resources", "forkbench=1"],
)
if "--script" in sys.argv:
    print(cluster.job_script())  # what Slurm is given, for a look before
    sys.exit()
with cluster:
    cluster.scale(jobs=nodes)
    cluster.wait_for_workers(nodes)
    words = ["--scheduler", cluster.scheduler_address, "--hosts", str(nodes), *sys.argv[2:]]
    sys.exit(subprocess.run([sys.executable, "-m", "bench", "fleet", *words]).returncode)
