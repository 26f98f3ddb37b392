"""A new interpreter that does nothing."""

from . import mechanism


def _run(*argv):
    from subprocess import run
    from time import perf_counter_ns as now

    def call():
        status = run(argv).returncode
        return now(), 0, status

    return call


@mechanism("python_start", control="native_python")
def python_c(subject):
    """subprocess.run([python, -c, pass]): with site, as a program is started."""
    return _run(subject.python, "-c", subject.python_code)


@mechanism("python_start", control="native_python")
def python_isolated(subject):
    """subprocess.run([python, -I, -S, -c, pass]): without site and environment."""
    return _run(subject.python, "-I", "-S", "-c", subject.python_code)
