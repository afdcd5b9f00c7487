"""Config, clock, wiring, scheduler and command line: the one place where sockets, engine, clock and secrets meet."""
