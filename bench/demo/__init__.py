"""The tutorial program: fork, exit, reap."""
