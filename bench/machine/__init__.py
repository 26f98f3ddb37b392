"""What this machine is, whether it is fit to measure on, and the control that is built for it."""
