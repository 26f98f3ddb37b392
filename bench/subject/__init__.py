"""Code that runs inside the measured process: standard library only, any CPython from 3.8 on."""
