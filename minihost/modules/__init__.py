"""Plays the hosts' `modules` package: same names, own code. See `minihost.activate`."""
