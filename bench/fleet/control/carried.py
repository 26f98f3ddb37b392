"""Turns the code that a host is sent into texts, and texts into modules there, whichever Python it has.

The engine would send functions as byte code, which only the same version of Python can read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.fleet import host
from bench.fleet.control import on_worker

# The importer that a worker gets once: it finds the texts as a package, whose name holds their hash.
_LOAD = """
def load(package, texts):
    import importlib, sys
    from importlib.machinery import ModuleSpec

    class Texts:
        def find_spec(self, name, path=None, target=None):
            if name in texts:
                return ModuleSpec(name, self, is_package=any(other.startswith(name + ".") for other in texts))
        def create_module(self, spec):
            return None
        def exec_module(self, module):
            exec(compile(texts[module.__name__], module.__name__, "exec"), module.__dict__)

    if package not in sys.modules:
        sys.meta_path.append(Texts())
    here = importlib.import_module(package + ".on_worker")
    return lambda function, arguments: getattr(here, function)(importlib.import_module(package + ".host"), *arguments)
"""
CALL = "(exec(load, at := {}), at['load'](package, texts)(function, arguments))[-1]"
"""An expression for `eval`, which every Python has, with the names of `Code.call`."""


@dataclass(frozen=True)
class Code:
    """The modules `on_worker` and `host` (or the package of that name) as texts, by the names that they get."""

    package: str
    texts: dict[str, str]

    def call(self, function: str, *arguments: Any) -> dict[str, Any]:
        """What `CALL` needs to call a function of `on_worker` with `host` and these arguments."""
        names = {"load": _LOAD, "package": self.package, "texts": self.texts}
        return {**names, "function": function, "arguments": arguments}


def code(host_file: Path = Path(host.__file__)) -> Code:
    """The code for hosts; `host_file` is the module, or the ``__init__.py`` of the package, that is `host` there."""
    files = {"on_worker": Path(on_worker.__file__), "host": host_file}
    if host_file.name == "__init__.py":
        files |= {f"host.{file.stem}": file for file in host_file.parent.glob("[!_]*.py")}
    texts = {name: file.read_text(encoding="utf-8") for name, file in sorted(files.items())}
    package = f"forkbench_{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}"
    named = {f"{package}.{name}": text.replace(host.__name__, f"{package}.host") for name, text in texts.items()}
    return Code(package, {package: "", **named})
