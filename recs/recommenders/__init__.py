"""One file for each source of recommendations, and what they share in base.py.

To add one: write a file with a function of the Recommender protocol, list it in recs/recommend.py
where it should speak, and add it to tests/recs/test_recommender_contract.py.
"""
