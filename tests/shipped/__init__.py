"""What is shipped beside the code, and what of it is written by `make docs`."""
