"""Letters that the docstrings of recs.ml use for shapes.

B  rows of a batch (histories)
T  positions of a padded history, the newest event last, padding on the left
D  embedding size
N  items of the vocabulary; tables have N + 1 rows, row 0 is padding
U  people (histories)
E  events
K  length of a returned list
L  levels of a semantic ID
C  codes of a codebook
M  modalities of content
"""
