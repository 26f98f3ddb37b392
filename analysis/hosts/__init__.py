"""The same run on many hosts: which is faster, and which is odd."""
