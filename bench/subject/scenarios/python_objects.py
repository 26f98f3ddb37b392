"""What the interpreter of a parent keeps: at-fork hooks and objects, with and without gc.freeze()."""

import os

from . import scenario

# Bytes of a list of one item, of that item's place, and of its own place in the list of all; 64-bit CPython.
OBJECT_BYTES = 80


@scenario(unit="hooks", dose="hooks", needs=("os.register_at_fork",))
def atfork_hooks(subject, level):
    """More at-fork hooks of Python, each an empty function, for before, parent and child."""

    def hook():
        pass

    for _ in range(int(level)):
        os.register_at_fork(before=hook, after_in_parent=hook, after_in_child=hook)
    subject.hooks += int(level)


def _objects(subject, level):
    import gc

    # Each collection on the way would look at all objects that are there already.
    gc.disable()
    made = [[None] for _ in range(int(level))]
    gc.enable()
    subject.objects.append(made)
    return gc


@scenario(unit="objects", dose="objects", takes={"memory": OBJECT_BYTES}, gives="objects")
def objects(subject, level):
    """More Python objects, each a list of one item, which the garbage collector looks at."""
    _objects(subject, level)


@scenario(unit="objects", dose="objects", needs=("gc.freeze",), takes={"memory": OBJECT_BYTES}, gives="objects")
def gc_frozen(subject, level):
    """The same objects after gc.freeze(): the garbage collector does not look at them."""
    _objects(subject, level).freeze()
