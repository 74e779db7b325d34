"""The UDP ping lab: an echo over a network that loses, delays and garbles on purpose."""
