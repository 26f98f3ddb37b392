"""A parent with numpy and an array of 32 MB."""

import numpy

kept = numpy.ones(4_000_000)
