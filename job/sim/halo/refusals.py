"""Halo's own shape of an error.

Promises: a message and an empty list of errors, whatever was wrong.
Does not do: errors of the token endpoint, which have the shape of OAuth (`tokens.py`).
"""

from job.sim.call import Answer, json_answer


def error(message: str, *, status: int) -> Answer:
    return json_answer({"message": message, "errors": []}, status=status)


def not_found(path: str) -> Answer:
    return error(f"Not found: {path}", status=404)
