import numpy

kept = numpy.ones(4_000_000)
