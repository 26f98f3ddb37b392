/* The least that C needs to create and reap a child, timed call by call.
 *
 * A Python extension on the limited API of 3.8, so that one file serves every CPython from 3.8 on.
 * It keeps to what that API has: results come back as bytes, since buffers joined it only in 3.11.
 *
 * fork(calls), vfork(calls), spawn(calls, argv) -> bytes: three native int64 a call,
 * nanoseconds from before the call: until the child is reaped, until the creating call returned,
 * until the child's first instruction (0: cannot be told). A child that does not end with status 0
 * raises ChildProcessError with the reason; a failing system call raises OSError.
 * With a descriptor as last argument, children of fork and spawn tell when they began: in the first
 * eight bytes of that file, on this clock. The forked one does so itself, a program has to.
 * usage() -> 8 ints: page faults, user ns, system ns, context switches of this process, then of its
 * reaped children.
 */
#define Py_LIMITED_API 0x03080000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { TOTAL, CALL, READY, STAMPS };

/* The clock behind time.perf_counter_ns on Linux. */
static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A creator makes one child that ends with status 0 and returns its pid, or -1 with errno set.
 * It may say when the child began to run. */
typedef pid_t (*creator)(char **argv, volatile int64_t *ready);

static pid_t create_fork(char **argv, volatile int64_t *ready) {
    (void)argv;
    (void)ready; /* the child has its own copy of it */
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static pid_t create_telling_fork(char **argv, volatile int64_t *ready) {
    (void)argv;
    pid_t pid = fork();
    if (pid == 0) {
        *ready = now(); /* memory that is shared with the parent */
        _exit(0);
    }
    return pid;
}

static pid_t create_vfork(char **argv, volatile int64_t *ready) {
    (void)argv;
    pid_t pid = vfork();
    if (pid == 0) {
        *ready = now(); /* parent and child share memory until _exit */
        _exit(0);
    }
    return pid;
}

static pid_t create_spawn(char **argv, volatile int64_t *ready) {
    (void)ready;
    pid_t pid;
    int failure = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    return pid;
}

/* Reap `pid`; 0 if it ended with status 0, else -1 with a Python error set. */
static int reap(pid_t pid) {
    int status;
    pid_t got;
    do {
        got = waitpid(pid, &status, 0);
    } while (got == -1 && errno == EINTR);
    if (got == -1) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (WIFSIGNALED(status)) {
        PyErr_Format(PyExc_ChildProcessError, "the child was ended by signal %d", WTERMSIG(status));
        return -1;
    }
    if (WEXITSTATUS(status) != 0) {
        PyErr_Format(PyExc_ChildProcessError, "the child ended with exit status %d", WEXITSTATUS(status));
        return -1;
    }
    return 0;
}

/* A block whose children write when they began to `shared`; NULL: they may write to memory of this process. */
static PyObject *run_block(Py_ssize_t calls, creator create, char **argv, volatile int64_t *shared) {
    if (calls < 0)
        return PyErr_Format(PyExc_ValueError, "calls must not be negative");
    volatile int64_t own;
    volatile int64_t *ready = shared ? shared : &own;
    PyObject *result = PyBytes_FromStringAndSize(NULL, calls * STAMPS * (Py_ssize_t)sizeof(int64_t));
    if (result == NULL)
        return NULL;
    char *out = PyBytes_AsString(result);
    for (Py_ssize_t i = 0; i < calls; i++) {
        int64_t stamps[STAMPS];
        *ready = 0;
        int64_t begin = now();
        pid_t pid = create(argv, ready);
        stamps[CALL] = now() - begin;
        if (pid == -1) {
            PyErr_SetFromErrno(PyExc_OSError);
            Py_DecRef(result);
            return NULL;
        }
        if (reap(pid) != 0) {
            Py_DecRef(result);
            return NULL;
        }
        stamps[TOTAL] = now() - begin;
        stamps[READY] = *ready ? *ready - begin : 0;
        memcpy(out + i * (Py_ssize_t)sizeof(stamps), stamps, sizeof(stamps));
    }
    return result;
}

/* The same, with the first bytes of file `descriptor` for what children tell; -1: they tell nothing. */
static PyObject *run_told_block(Py_ssize_t calls, creator create, char **argv, int descriptor) {
    if (descriptor == -1)
        return run_block(calls, create, argv, NULL);
    void *shared = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (shared == MAP_FAILED)
        return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *result = run_block(calls, create, argv, shared);
    munmap(shared, sizeof(int64_t));
    return result;
}

static PyObject *py_fork(PyObject *self, PyObject *args) {
    Py_ssize_t calls;
    int told = -1;
    (void)self;
    if (!PyArg_ParseTuple(args, "n|i", &calls, &told))
        return NULL;
    return run_told_block(calls, told == -1 ? create_fork : create_telling_fork, NULL, told);
}

static PyObject *py_vfork(PyObject *self, PyObject *args) {
    Py_ssize_t calls;
    (void)self;
    return PyArg_ParseTuple(args, "n", &calls) ? run_block(calls, create_vfork, NULL, NULL) : NULL;
}

static PyObject *py_spawn(PyObject *self, PyObject *args) {
    Py_ssize_t calls;
    PyObject *words; /* a tuple of bytes: program, argument, ... */
    int told = -1;
    (void)self;
    if (!PyArg_ParseTuple(args, "nO!|i", &calls, &PyTuple_Type, &words, &told))
        return NULL;
    Py_ssize_t count = PyTuple_Size(words);
    if (count < 1)
        return PyErr_Format(PyExc_ValueError, "argv must hold a program");
    char **argv = PyMem_Malloc((size_t)(count + 1) * sizeof(char *));
    if (argv == NULL)
        return PyErr_NoMemory();
    argv[count] = NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        argv[i] = PyBytes_AsString(PyTuple_GetItem(words, i));
        if (argv[i] == NULL) {
            PyMem_Free(argv);
            return NULL;
        }
    }
    PyObject *result = run_told_block(calls, create_spawn, argv, told);
    PyMem_Free(argv);
    return result;
}

static int64_t nanoseconds(struct timeval t) {
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static PyObject *py_usage(PyObject *self, PyObject *unused) {
    struct rusage own, reaped;
    (void)self;
    (void)unused;
    if (getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &reaped) != 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    return Py_BuildValue("(lLLllLLl)", own.ru_minflt + own.ru_majflt, nanoseconds(own.ru_utime),
                         nanoseconds(own.ru_stime), own.ru_nvcsw + own.ru_nivcsw,
                         reaped.ru_minflt + reaped.ru_majflt, nanoseconds(reaped.ru_utime),
                         nanoseconds(reaped.ru_stime), reaped.ru_nvcsw + reaped.ru_nivcsw);
}

static PyMethodDef methods[] = {
    {"fork", py_fork, METH_VARARGS, "fork(calls[, descriptor]) -> bytes: fork, _exit(0), waitpid."},
    {"vfork", py_vfork, METH_VARARGS, "vfork(calls) -> bytes: vfork, _exit(0), waitpid."},
    {"spawn", py_spawn, METH_VARARGS, "spawn(calls, argv[, descriptor]) -> bytes: posix_spawn of a program, waitpid."},
    {"usage", py_usage, METH_NOARGS, "usage() -> faults, user ns, system ns, switches; own, then reaped children's."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_control", "Creates and reaps children from C.", 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__control(void) { return PyModule_Create(&module); }
