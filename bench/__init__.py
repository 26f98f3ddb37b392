"""Times how long a process takes to start and end from Python; the command line is ``python -m bench``."""
