"""Another program: all of these run the same `true`, by absolute path."""

from . import exit_code, mechanism


def _program(needs=()):
    return mechanism("exec", control="native_spawn", needs=("true", *needs))


@_program(needs=("os.fork",))
def fork_exec(subject):
    """os.fork, os.execv in the child, os.waitpid."""
    from os import _exit, execv, fork, waitpid
    from time import perf_counter_ns as now

    path, argv = subject.true_program, [subject.true_program]

    def call():
        pid = fork()
        if pid == 0:
            try:
                execv(path, argv)
            finally:
                _exit(127)
        called = now()
        status = waitpid(pid, 0)[1]
        return called, 0, status and exit_code(status)

    return call


@_program(needs=("os.posix_spawn",))
def posix_spawn(subject):
    """os.posix_spawn, os.waitpid."""
    from os import environ, posix_spawn, waitpid
    from time import perf_counter_ns as now

    path, argv = subject.true_program, [subject.true_program]

    def call():
        pid = posix_spawn(path, argv, environ)
        called = now()
        status = waitpid(pid, 0)[1]
        return called, 0, status and exit_code(status)

    return call


@_program()
def subprocess_run(subject):
    """subprocess.run([true])."""
    from subprocess import run
    from time import perf_counter_ns as now

    argv = [subject.true_program]

    def call():
        status = run(argv).returncode
        return now(), 0, status

    return call


def _popen(subject, **options):
    from subprocess import Popen
    from time import perf_counter_ns as now

    argv = [subject.true_program]

    def call():
        child = Popen(argv, **options)
        called = now()
        return called, 0, child.wait()

    return call


@_program()
def popen(subject):
    """subprocess.Popen([true]), wait()."""
    return _popen(subject)


@_program()
def popen_no_close_fds(subject):
    """subprocess.Popen([true], close_fds=False), wait()."""
    return _popen(subject, close_fds=False)


@_program(needs=("os.fork",))
def popen_preexec_fn(subject):
    """subprocess.Popen([true], preexec_fn=...), wait(): the child runs Python before the program."""
    return _popen(subject, preexec_fn=lambda: None)


@_program()
def popen_pipes(subject):
    """subprocess.Popen([true]) with three pipes, communicate()."""
    from subprocess import PIPE, Popen
    from time import perf_counter_ns as now

    argv = [subject.true_program]

    def call():
        child = Popen(argv, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        called = now()
        child.communicate()
        return called, 0, child.returncode

    return call


@_program(needs=("sh",))
def subprocess_shell(subject):
    """subprocess.run(true, shell=True): /bin/sh between parent and program."""
    from shlex import quote
    from subprocess import run
    from time import perf_counter_ns as now

    command = quote(subject.true_program)

    def call():
        status = run(command, shell=True).returncode
        return now(), 0, status

    return call


@_program(needs=("sh",))
def os_system(subject):
    """os.system(true): the C library's system()."""
    from os import system
    from time import perf_counter_ns as now

    command = "'" + subject.true_program.replace("'", "'\\''") + "'"

    def call():
        status = system(command)
        return now(), 0, status and exit_code(status)

    return call


@_program()
def asyncio_exec(subject):
    """asyncio.create_subprocess_exec(true), wait(), in a loop that is already there."""
    import asyncio
    from time import perf_counter_ns as now

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def create():
        child = await asyncio.create_subprocess_exec(subject.true_program)
        called = now()
        return called, 0, await child.wait()

    return lambda: loop.run_until_complete(create())
