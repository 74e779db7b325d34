"""A lab that is only there for a benchmark: its server reports events at a steady pace."""
