"""The UDP upper-case lab: the course's first program, and what a datagram is."""
