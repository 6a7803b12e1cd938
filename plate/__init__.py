"""What a plate is: label schema, text codec, grammar and pictures. NumPy and OpenCV only."""
