"""The runs of a machine as series: where did latency change, by how much, and what differed?"""
