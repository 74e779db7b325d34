"""What every lab shares: the descriptor, settings, events, the channel, the command line."""
