"""The controller's side of a subject: start it, ask it, stop it, pin it, watch it, verify its dose."""
