"""Run configs (YAML) of the Model Zoo, read into values."""
