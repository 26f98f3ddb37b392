"""Changes the code that decides figures, one spot at a time, and counts the changes that no test notices."""
