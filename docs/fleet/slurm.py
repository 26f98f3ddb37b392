"""Turns N whole nodes of Slurm into hosts of a fleet, and measures on each: slurm.py N [options of bench fleet].

Run it in the checkout, with the Python of its .venv; docs/fleet.md has the commands. For PBS, LSF or SGE take the class
of dask-jobqueue with that name, and what it calls the directives.
"""

import signal
import subprocess
import sys

import dask
from dask_jobqueue import SLURMCluster

if len(sys.argv) < 2 or not sys.argv[1].isdecimal() or int(sys.argv[1]) == 0:
    print("usage: slurm.py N [--script | options of bench fleet]; N: how many nodes", file=sys.stderr)
    sys.exit(2)
nodes = int(sys.argv[1])
cluster = SLURMCluster(
    cores=1,  # threads of the worker: one task at a time
    processes=1,  # workers a job
    memory="4GiB",  # what the worker believes to have; the job has all memory of its node
    job_mem="0",
    job_cpu=2,  # one CPU is measured, the controller of the run has the other; --exclusive gives the rest as well
    walltime="00:30:00",  # longer than all runs of one node together
    # The nodes share this directory; where they do not, name a Python there with `distributed`. With exec the worker is
    # the job's own process, which Slurm kills if it does not end when it is told to.
    python=f"exec {sys.executable}",
    nanny=False,  # a second process, which looks at the worker ten times a second while a run lasts
    job_script_prologue=["export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False"],
    job_extra_directives=["--exclusive", "--nodes=1"],
    worker_extra_args=["--no-dashboard", "--resources", "forkbench=1"],
    scheduler_options={"dashboard": False, **dask.config.get("jobqueue.slurm.scheduler-options")},
)
if "--script" in sys.argv:
    print(cluster.job_script())  # what Slurm is given, for a look before
    sys.exit()
signal.signal(signal.SIGINT, lambda number, frame: sys.exit(130))  # dask-jobqueue has put one there that ends with 0
with cluster:  # at its end the jobs are cancelled
    cluster.scale(jobs=nodes)
    print(f"waiting for {nodes} nodes; squeue shows the jobs, slurm-*.out here what they say", file=sys.stderr)
    cluster.wait_for_workers(nodes)
    words = ["--scheduler", cluster.scheduler_address, "--hosts", str(nodes), *sys.argv[2:]]
    fleet = subprocess.Popen([sys.executable, "-m", "bench", "fleet", *words])
    signal.signal(signal.SIGINT, lambda number, frame: None)  # Ctrl-C ends `bench fleet`, which brings back what it can
    sys.exit(fleet.wait())
