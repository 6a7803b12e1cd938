"""Recognisers that read a plate as a sequence: column by column, or character after character."""
