"""A parent with a heap of many small objects."""

kept = {number: [str(number), (number, number + 1)] for number in range(400_000)}
