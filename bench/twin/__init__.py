"""Measures what a fork would cost a running process, in a subject that is given the same memory."""
