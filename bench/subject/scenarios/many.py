"""Many at once: several parents at the same time, or one parent with several workers."""

from . import scenario

# What a worker imports that answers requests, reads and writes several formats, and keeps a log.
HEAVY_MODULES = (
    "argparse",
    "asyncio",
    "configparser",
    "csv",
    "decimal",
    "email.mime.multipart",
    "html.parser",
    "http.client",
    "http.server",
    "json",
    "logging.config",
    "multiprocessing.managers",
    "pdb",
    "pydoc",
    "statistics",
    "tarfile",
    "unittest.mock",
    "urllib.request",
    "uuid",
    "xml.dom.minidom",
    "xml.etree.ElementTree",
    "zipfile",
)


@scenario(unit="subjects", takes={"threads": 2, "memory": 8 << 20}, least=1)
def at_once(subject, level):
    """So many parents at the same time, on all CPUs: each makes the same calls."""
    # The controller starts the others: a process cannot be several.
    subject.cpu = None


@scenario(unit="workers", takes={"threads": 2, "memory": 8 << 20}, least=1)
def workers(subject, level):
    """For what starts workers: so many of them, on all CPUs."""
    subject.workers = int(level)
    subject.cpu = None


@scenario(levels=("light", "heavy", "numpy", "pandas"), needs=("module:{level}",))
def worker_imports(subject, level):
    """For what starts workers: what each imports first; light: nothing, heavy: much of the standard library."""
    named = {"light": (), "heavy": HEAVY_MODULES}
    subject.worker_imports = named.get(level, (level,))
