"""Mathematics: rounds, medians, tails and ratios with their intervals."""
