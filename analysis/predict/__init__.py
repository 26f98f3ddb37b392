"""What a fork would cost a process that runs."""
