"""A parent with a figure drawn by matplotlib."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot

kept = matplotlib.pyplot.figure()
kept.add_subplot().plot([1, 2, 3])
