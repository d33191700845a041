"""What the program answers when it is called over HTTP, beside the job that calls others.

Promises: nothing that arrives is believed before it is proven.
Does not do: serving (`functions.py`), or calling anybody (`http/`).
"""
