"""A parent with scipy.stats loaded."""

import scipy.stats

kept = scipy.stats.norm(0, 1).cdf(0.5)
