"""An input and an output for gelf-bridge, to begin with."""
