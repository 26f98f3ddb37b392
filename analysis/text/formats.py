"""Names the formats in which a command can print its figures."""

FORMATS = ("table", "markdown", "csv", "json")
