"""A parent with pandas and a table of numbers and texts."""

import pandas

kept = pandas.DataFrame({"a": range(300_000), "b": [str(number) for number in range(300_000)]})
