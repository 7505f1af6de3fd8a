"""What language models write, one file for each kind. Whatever they write is a proposal."""
