"""The hosts' pipeline around the model; `modules.processing` puts it together."""
